# SPDX-License-Identifier: GPL-2.0
#
# A livepatch of a function that ThinLTO promoted, named without its hash; what it calls and reads is
# compared with what the kernel says of itself.

. /klp/ktap.sh

ldiscs=/proc/tty/ldiscs
original=$(cat "$ldiscs")

is_promoted() {
	grep ' tty_ldiscs_seq_show\.llvm\.[0-9]*$' /proc/kallsyms &&
		! grep -qw 'tty_ldiscs_seq_show' <(awk '{ print $3 }' /proc/kallsyms | grep -x tty_ldiscs_seq_show)
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

stays_loaded() {
	rmmod klp_sympos
	grep '^klp_sympos ' /proc/modules
}

ktap_suite livepatch 13
check 'the function that is patched was promoted' is_promoted
check 'the original prints the line disciplines' grep -q '^n_tty *0$' "$ldiscs"
check 'modprobe loads it' load_livepatch livepatch_ldiscs
check 'and klp_sympos first' grep '^klp_sympos .*livepatch_ldiscs' /proc/modules
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
check 'klp_sympos stays, since a livepatch relied on it' stays_loaded
