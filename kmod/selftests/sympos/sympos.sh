#!/bin/bash
# SPDX-License-Identifier: GPL-2.0

# Shell functions for the scripts that test symbol names and positions.

MOD_LIVEPATCH=test_klp_sympos
MOD_TARGET=test_klp_sympos_mod

# What the functions of the target print to its file "values", in the order that
# test_klp_sympos_mod_main.c says; one that is patched prints P.
ORIGINAL="-----"

# What the kernel logs of names that it refuses.
NOT_FOUND="not found in symbol table"
AMBIGUOUS="unresolvable ambiguity for symbol"

# get_values() - print which functions of the target are patched
function get_values() {
	local values

	read -r values < /sys/kernel/$MOD_TARGET/values
	echo "$values"
}

# patched_values(params) - print which functions of the target are patched while
#			   the livepatch is loaded
#	params - module parameters of the livepatch
function patched_values() {
	load_lp $MOD_LIVEPATCH "$@" > /dev/null
	get_values
	disable_lp $MOD_LIVEPATCH > /dev/null
	unload_lp $MOD_LIVEPATCH > /dev/null
}

# check_values(expected, params) - check which functions a livepatch patches
#	expected - what the target's file is expected to print
#	params   - module parameters of the livepatch
function check_values() {
	local expected="$1"; shift
	local values

	values=$(patched_values "$@") || exit 1
	[[ "$values" == "$expected" ]] ||
		die "$* patched '$values', expected '$expected'"
}

# check_refused(message, params) - check that a livepatch is refused
#	message - what the kernel is expected to log
#	params  - module parameters of the livepatch
function check_refused() {
	local message="$1"; shift

	load_failing_mod $MOD_LIVEPATCH "$@"
	dmesg | awk -v last_dmesg="$LAST_DMESG" 'p; $0 == last_dmesg { p=1 }' |
		grep -qF "$message" ||
		die "$* was refused, but not with '$message'"
	[[ "$(get_values)" == "$ORIGINAL" ]] ||
		die "$* was refused, but patched '$(get_values)'"
}
