#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# One function can have several names in kallsyms. A cumulative livepatch may
# use another one than the livepatches that it replaces.

. $(dirname $0)/functions.sh

MOD_TARGET=test_klp_alias_mod
MOD_LIVEPATCH=test_klp_alias
MOD_LIVEPATCH2=test_klp_alias2
MOD_LIVEPATCH3=test_klp_alias3

TARGET=/sys/kernel/$MOD_TARGET

# hold_task() - start a task that stays in a function until release_task()
function hold_task() {
	exec {held}< <(cat $TARGET/held_value)
	loop_until '[[ $(cat $TARGET/held) == 1 ]]' ||
		die "no task is held"
}

# release_task(expected) - let the task go on, and check what it ran
#	expected - what it is expected to print
function release_task() {
	local value

	echo 1 > $TARGET/release
	read -r value <&$held
	exec {held}<&-
	[[ "$value" == "$1" ]] ||
		die "the task that is not patched ran '$value', expected '$1'"
}

# check_value(expected) - check what a task that is patched runs
#	expected - what it is expected to print
function check_value() {
	local value=$(cat $TARGET/value)

	[[ "$value" == "$1" ]] ||
		die "the task that is patched ran '$value', expected '$1'"
}

# finish_transition(modname) - wait until a livepatch's transition finishes
#	modname - name of the livepatch
function finish_transition() {
	loop_until "grep -q '^0\$' /sys/kernel/livepatch/$1/transition" ||
		die "failed to complete transition"
}

setup_config


# - load a livepatch that replaces a function
# - load a cumulative livepatch that replaces it by another of its names, while
#   a task keeps the transition from finishing
# - verify that tasks run the function of the second livepatch if they are
#   patched, and that of the first one if they are not

start_test "atomic replace of a function by another name"

load_mod $MOD_TARGET
check_value "original"
load_lp $MOD_LIVEPATCH
check_value "$MOD_LIVEPATCH"

hold_task
load_lp_nowait $MOD_LIVEPATCH2 replace=1
check_sysfs_value "$MOD_LIVEPATCH2" "transition" "1"
check_value "$MOD_LIVEPATCH2"
release_task "$MOD_LIVEPATCH"
finish_transition $MOD_LIVEPATCH2
check_value "$MOD_LIVEPATCH2"

unload_lp $MOD_LIVEPATCH
disable_lp $MOD_LIVEPATCH2
unload_lp $MOD_LIVEPATCH2
check_value "original"
unload_mod $MOD_TARGET

check_result "% insmod test_modules/$MOD_TARGET.ko
% insmod test_modules/$MOD_LIVEPATCH.ko
livepatch: enabling patch '$MOD_LIVEPATCH'
livepatch: '$MOD_LIVEPATCH': initializing patching transition
livepatch: '$MOD_LIVEPATCH': starting patching transition
livepatch: '$MOD_LIVEPATCH': completing patching transition
livepatch: '$MOD_LIVEPATCH': patching complete
% insmod test_modules/$MOD_LIVEPATCH2.ko replace=1
livepatch: enabling patch '$MOD_LIVEPATCH2'
livepatch: '$MOD_LIVEPATCH2': initializing patching transition
livepatch: '$MOD_LIVEPATCH2': starting patching transition
livepatch: '$MOD_LIVEPATCH2': completing patching transition
livepatch: '$MOD_LIVEPATCH2': patching complete
% rmmod $MOD_LIVEPATCH
% echo 0 > /sys/kernel/livepatch/$MOD_LIVEPATCH2/enabled
livepatch: '$MOD_LIVEPATCH2': initializing unpatching transition
livepatch: '$MOD_LIVEPATCH2': starting unpatching transition
livepatch: '$MOD_LIVEPATCH2': completing unpatching transition
livepatch: '$MOD_LIVEPATCH2': unpatching complete
% rmmod $MOD_LIVEPATCH2
% rmmod $MOD_TARGET"


# - load two livepatches that replace a function by different names
# - load a cumulative livepatch that does not replace it, while a task keeps the
#   transition from finishing
# - verify that tasks run the original function if they are patched, and that of
#   the second livepatch if they are not

start_test "atomic replace of two livepatches that use different names"

load_mod $MOD_TARGET
load_lp $MOD_LIVEPATCH
load_lp $MOD_LIVEPATCH2
check_value "$MOD_LIVEPATCH2"

hold_task
load_lp_nowait $MOD_LIVEPATCH3
check_sysfs_value "$MOD_LIVEPATCH3" "transition" "1"
check_value "original"
release_task "$MOD_LIVEPATCH2"
finish_transition $MOD_LIVEPATCH3
check_value "original"

unload_lp $MOD_LIVEPATCH
unload_lp $MOD_LIVEPATCH2
disable_lp $MOD_LIVEPATCH3
unload_lp $MOD_LIVEPATCH3
unload_mod $MOD_TARGET

check_result "% insmod test_modules/$MOD_TARGET.ko
% insmod test_modules/$MOD_LIVEPATCH.ko
livepatch: enabling patch '$MOD_LIVEPATCH'
livepatch: '$MOD_LIVEPATCH': initializing patching transition
livepatch: '$MOD_LIVEPATCH': starting patching transition
livepatch: '$MOD_LIVEPATCH': completing patching transition
livepatch: '$MOD_LIVEPATCH': patching complete
% insmod test_modules/$MOD_LIVEPATCH2.ko
livepatch: enabling patch '$MOD_LIVEPATCH2'
livepatch: '$MOD_LIVEPATCH2': initializing patching transition
livepatch: '$MOD_LIVEPATCH2': starting patching transition
livepatch: '$MOD_LIVEPATCH2': completing patching transition
livepatch: '$MOD_LIVEPATCH2': patching complete
% insmod test_modules/$MOD_LIVEPATCH3.ko
livepatch: enabling patch '$MOD_LIVEPATCH3'
livepatch: '$MOD_LIVEPATCH3': initializing patching transition
livepatch: '$MOD_LIVEPATCH3': starting patching transition
livepatch: '$MOD_LIVEPATCH3': completing patching transition
livepatch: '$MOD_LIVEPATCH3': patching complete
% rmmod $MOD_LIVEPATCH
% rmmod $MOD_LIVEPATCH2
% echo 0 > /sys/kernel/livepatch/$MOD_LIVEPATCH3/enabled
livepatch: '$MOD_LIVEPATCH3': initializing unpatching transition
livepatch: '$MOD_LIVEPATCH3': starting unpatching transition
livepatch: '$MOD_LIVEPATCH3': completing unpatching transition
livepatch: '$MOD_LIVEPATCH3': unpatching complete
% rmmod $MOD_LIVEPATCH3
% rmmod $MOD_TARGET"

exit 0
