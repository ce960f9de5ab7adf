# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What livepatch_twins and converted_twins do to klp_twins.

# The symbols of the module that are called twin, in the order of its table.
twins() {
	awk '$4 == "[klp_twins]" && $3 ~ /^twin(\.llvm\.[0-9]+)?$/ { print $1, $3 }' /proc/kallsyms
}

# expected(n) - what the twins return when the n-th in the table is livepatched
expected() {
	local third
	third=$(twins | sed -n "$1p" | cut -d ' ' -f 2)
	case $third in
	twin.llvm.900) echo 33 2 3 ;;
	twin) echo 1 33 3 ;;
	twin.llvm.100) echo 1 2 33 ;;
	esac
}

third_is_patched() {
	local returns
	returns=$(cat /sys/module/klp_twins/parameters/twin)
	echo "$returns"
	[ "$returns" = "$(expected 3)" ]
}

# check_twins(title, livepatch) - six cases, in each order of loading; the module is loaded
check_twins() {
	local title=$1 livepatch=$2
	check "$title, module first: the livepatch loads" load_livepatch "$livepatch"
	check "$title, module first: the third twin is replaced" third_is_patched
	rmmod klp_twins
	insmod /klp/modules/klp_twins.ko
	check "$title, module again: the third twin is replaced" third_is_patched
	unload_livepatch "$(basename "$livepatch" .ko)" >/dev/null
	rmmod klp_twins
	check "$title, livepatch first: it loads" load_livepatch "$livepatch"
	insmod /klp/modules/klp_twins.ko
	check "$title, livepatch first: the third twin is replaced" third_is_patched
	unload_livepatch "$(basename "$livepatch" .ko)" >/dev/null
	check "$title: without it the twins do their own work" \
		test "$(cat /sys/module/klp_twins/parameters/twin)" = '1 2 3'
}
