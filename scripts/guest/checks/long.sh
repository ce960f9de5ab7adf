# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What livepatch_long does to klp_long, whose names are as long as the kernel takes them.

# returns() - what the functions with long names return
returns() {
	cat /sys/module/klp_long/parameters/returns
}

long_are_patched() {
	returns
	[ "$(returns)" = '42 2 62 4' ]
}

# bytes() - the lengths of the names that the livepatch has in sysfs, without the position
bytes() {
	(cd /sys/kernel/livepatch/livepatch_long/klp_long && printf '%s\n' */) |
		awk '{ sub(/,1\/$/, ""); print length($0) }'
}

# check_long(livepatch) - five cases, in both orders of loading
check_long() {
	local livepatch=$1
	insmod /klp/modules/klp_long.ko
	check '511 bytes, module first: the livepatch loads' load_livepatch "$livepatch"
	check '511 bytes, module first: both functions are replaced' long_are_patched
	check '511 bytes: sysfs has the whole names' test "$(bytes | xargs)" = '511 511'
	unload_livepatch livepatch_long
	check '511 bytes: without it the functions do their own work' test "$(returns)" = '1 2 3 4'
	rmmod klp_long
	load_livepatch "$livepatch"
	insmod /klp/modules/klp_long.ko
	check '511 bytes, livepatch first: both functions are replaced' long_are_patched
	unload_livepatch livepatch_long
	rmmod klp_long
}
