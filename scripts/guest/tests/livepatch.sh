# SPDX-License-Identifier: GPL-2.0
#
# A livepatch of a function that ThinLTO promoted, named without its hash; what it calls and reads is
# compared with what the kernel says of itself. Where suffixes are reduced it kept its name: the same source
# needs nobody's help.

. /klp/ktap.sh
. /klp/checks/ldiscs.sh

original=$(cat "$ldiscs")

is_promoted() {
	grep ' tty_ldiscs_seq_show\.llvm\.[0-9]*$' /proc/kallsyms &&
		! grep -qw 'tty_ldiscs_seq_show' <(awk '{ print $3 }' /proc/kallsyms | grep -x tty_ldiscs_seq_show)
}

# kept_its_name() - whether it is there once, as in the source
kept_its_name() {
	[ "$(awk '$3 ~ /^tty_ldiscs_seq_show(\.|$)/ { print $3 }' /proc/kallsyms)" = tty_ldiscs_seq_show ]
}

not_needed() {
	! grep '^klp_sympos ' /proc/modules
}

same_with_klp_sympos() {
	modprobe klp_sympos && load_livepatch livepatch_ldiscs && grep -qx livepatched "$ldiscs" &&
		[ "$(value first_to_third)" = "$(distance event_show 1 3)" ] &&
		unload_livepatch livepatch_ldiscs && rmmod klp_sympos
}

can_go() {
	rmmod klp_sympos && not_needed
}

ktap_suite livepatch 13
if suffix_reduced; then
	check 'the function that is patched kept its name' kept_its_name
else
	check 'the function that is patched was promoted' is_promoted
fi
check 'the original prints the line disciplines' grep -q '^n_tty *0$' "$ldiscs"
check 'modprobe loads it' load_livepatch livepatch_ldiscs
if suffix_reduced; then
	check 'and nothing else' not_needed
else
	check 'and klp_sympos first' grep '^klp_sympos .*livepatch_ldiscs' /proc/modules
fi
check_ldiscs_patched tty_ldiscs_seq_show
check_ldiscs_unpatched "$original"
if suffix_reduced; then
	check 'with klp_sympos it does the same, and leaves it free to go' same_with_klp_sympos
else
	check 'klp_sympos can go with the last livepatch that relied on it' can_go
fi
