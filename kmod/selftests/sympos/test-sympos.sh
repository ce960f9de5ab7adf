#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Positions among symbols that share a name. Whether klp_sympos is loaded makes
# no difference here.

. $(dirname $0)/functions.sh
. $(dirname $0)/sympos.sh

setup_config
load_mod $MOD_TARGET


# - load a livepatch of each of two functions that have the same name
# - verify that each position patches one of them, and another one
# - verify that sysfs has the position

start_test "position of a function"

first=$(patched_values old_sympos=1) || exit 1
second=$(patched_values old_sympos=2) || exit 1

case "$first $second" in
"---P- P----" | "P---- ---P-")
	;;
*)
	die "position 1 patched '$first', position 2 '$second'"
	;;
esac

load_lp $MOD_LIVEPATCH old_sympos=2
check_sysfs_rights "$MOD_LIVEPATCH" "$MOD_TARGET/test_klp_sympos_twin,2" "drwxr-xr-x"
disable_lp $MOD_LIVEPATCH
unload_lp $MOD_LIVEPATCH
echo "ok"


# - load a livepatch of a function whose name is unique, without a position
# - verify that the function is patched, and that sysfs says position 1

start_test "unique function without a position"

name=test_klp_sympos_mixed
check_values "--P--" old_name=$name old_sympos=0

load_lp $MOD_LIVEPATCH old_name=$name old_sympos=0
check_sysfs_rights "$MOD_LIVEPATCH" "$MOD_TARGET/$name,1" "drwxr-xr-x"
disable_lp $MOD_LIVEPATCH
unload_lp $MOD_LIVEPATCH
echo "ok"


# - load a livepatch of a promoted function by its whole name
# - verify that the function is patched

start_test "promoted function by its whole name"

check_values "-P---" old_name=test_klp_sympos_promoted.llvm.1234 old_sympos=0
echo "ok"


# - load livepatches of functions that are ambiguous, or not there
# - verify that they are refused, and that nothing is patched

start_test "refused positions"

check_refused "$AMBIGUOUS 'test_klp_sympos_twin' in object '$MOD_TARGET'" old_sympos=0
check_refused "symbol position 3 for symbol 'test_klp_sympos_twin'" old_sympos=3
check_refused "symbol 'test_klp_sympos_none' $NOT_FOUND" \
	old_name=test_klp_sympos_none
# The suffix of another build.
check_refused "symbol 'test_klp_sympos_promoted.llvm.4321' $NOT_FOUND" \
	old_name=test_klp_sympos_promoted.llvm.4321
echo "ok"


# - load livepatches that use names which only klp_sympos knows
# - verify that they are refused without it

if [[ ! -e /sys/module/klp_sympos ]]; then
	start_test "refused names without klp_sympos"

	for name in test_klp_sympos_promoted test_klp_sympos_promoted.llvm.\*; do
		check_refused "symbol '$name' $NOT_FOUND" \
			"old_name=$name" old_sympos=0
	done
	echo "ok"
fi

unload_mod $MOD_TARGET

exit 0
