# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What livepatch_ldiscs does, whichever way it was converted; it is compared with what the kernel says of
# itself.

ldiscs=/proc/tty/ldiscs

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

# check_ldiscs_patched(old_name) - six cases: livepatch_ldiscs is loaded
check_ldiscs_patched() {
	check 'the function is replaced' grep -qx livepatched "$ldiscs"
	check 'a promoted variable is read' \
		same "$(value tainted_mask)" "$(cat /proc/sys/kernel/tainted)"
	check 'a static local is read' same "$(value input_no)" "$(last_input)"
	check 'a static is called by its position' several_of_that_name
	check 'and it is the one at that position' \
		same "$(value first_to_third)" "$(distance event_show 1 3)"
	check 'sysfs names the function as the livepatch does' \
		test -d "/sys/kernel/livepatch/livepatch_ldiscs/vmlinux/$1,1"
}

# check_ldiscs_unpatched(original) - two cases: it is unloaded, and the file is as it was
check_ldiscs_unpatched() {
	check 'it is disabled and unloaded' unload_livepatch livepatch_ldiscs
	check 'the original is back' test "$(cat "$ldiscs")" = "$1"
}
