# SPDX-License-Identifier: GPL-2.0
#
# A livepatch of a function that ThinLTO promoted, named without its hash; what it calls and reads is
# compared with what the kernel says of itself. Where suffixes are reduced it kept its name: the same source
# needs nobody's help.

. /klp/ktap.sh

ldiscs=/proc/tty/ldiscs
original=$(cat "$ldiscs")

is_promoted() {
	grep ' tty_ldiscs_seq_show\.llvm\.[0-9]*$' /proc/kallsyms &&
		! grep -qw 'tty_ldiscs_seq_show' <(awk '{ print $3 }' /proc/kallsyms | grep -x tty_ldiscs_seq_show)
}

# kept_its_name() - whether it is there once, as in the source
kept_its_name() {
	[ "$(awk '$3 ~ /^tty_ldiscs_seq_show(\.|$)/ { print $3 }' /proc/kallsyms)" = tty_ldiscs_seq_show ]
}

# value(name) - what the livepatch prints behind the name
value() {
	sed -n "s/^$1 //p" "$ldiscs"
}

same() {
	echo "livepatch: '$1', kernel: '$2'"
	[ -n "$1" ] && [ "$1" = "$2" ]
}

last_input() {
	find /sys/class/input -name 'input[0-9]*' | sed 's/.*input//' | sort -n | tail -n 1
}

# distance(name, from, to) - between two symbols of one name, counted in /proc/kallsyms
distance() {
	local addresses
	mapfile -t addresses < <(awk -v name="$1" '$3 == name { print $1 }' /proc/kallsyms)
	echo $((0x${addresses[$3 - 1]} - 0x${addresses[$2 - 1]}))
}

several_of_that_name() {
	[ "$(awk '$3 == "event_show"' /proc/kallsyms | wc -l)" -gt 3 ] &&
		[ "$(value first_event_show)" != "" ]
}

not_needed() {
	! grep '^klp_sympos ' /proc/modules
}

same_with_klp_sympos() {
	modprobe klp_sympos && load_livepatch livepatch_ldiscs && grep -qx livepatched "$ldiscs" &&
		[ "$(value first_to_third)" = "$(distance event_show 1 3)" ] &&
		unload_livepatch livepatch_ldiscs && rmmod klp_sympos
}

stays_loaded() {
	rmmod klp_sympos
	grep '^klp_sympos ' /proc/modules
}

if suffix_reduced; then
	ktap_suite livepatch 14
	check 'the function that is patched kept its name' kept_its_name
else
	ktap_suite livepatch 13
	check 'the function that is patched was promoted' is_promoted
fi
check 'the original prints the line disciplines' grep -q '^n_tty *0$' "$ldiscs"
check 'modprobe loads it' load_livepatch livepatch_ldiscs
if suffix_reduced; then
	check 'and nothing else' not_needed
else
	check 'and klp_sympos first' grep '^klp_sympos .*livepatch_ldiscs' /proc/modules
fi
check 'the function is replaced' grep -qx livepatched "$ldiscs"
check 'a promoted variable is read' \
	same "$(value tainted_mask)" "$(cat /proc/sys/kernel/tainted)"
check 'a static local is read' same "$(value input_no)" "$(last_input)"
check 'a static is called by its position' several_of_that_name
check 'and it is the one at that position' \
	same "$(value first_to_third)" "$(distance event_show 1 3)"
check 'sysfs names the function as the livepatch does' \
	test -d /sys/kernel/livepatch/livepatch_ldiscs/vmlinux/tty_ldiscs_seq_show,1
check 'it is disabled and unloaded' unload_livepatch livepatch_ldiscs
check 'the original is back' test "$(cat "$ldiscs")" = "$original"
if suffix_reduced; then
	check 'with klp_sympos it does the same, and leaves it free to go' same_with_klp_sympos
	# This one relies on it.
	modprobe klp_sympos
	insmod /klp/modules/klp_twins.ko
	load_livepatch /klp/modules/livepatch_twins.ko && unload_livepatch livepatch_twins
fi
check 'klp_sympos stays, since a livepatch relied on it' stays_loaded
