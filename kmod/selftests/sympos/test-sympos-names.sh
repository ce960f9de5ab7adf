#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Promoted functions by their names in the source, which klp_sympos knows.

. $(dirname $0)/functions.sh
. $(dirname $0)/sympos.sh

setup_config

loaded_here=0
if [[ ! -e /sys/module/klp_sympos ]]; then
	modprobe klp_sympos 2> /dev/null ||
		skip "klp_sympos is not there (CONFIG_KLP_SYMPOS)"
	loaded_here=1
fi
load_mod $MOD_TARGET


# - load a livepatch of a promoted function by its name in the source
# - verify that it is patched

start_test "promoted function by its name in the source"

for name in test_klp_sympos_promoted test_klp_sympos_promoted.llvm.\*; do
	check_values "-P---" \
		"old_name=$name" old_sympos=0
done
echo "ok"


# - load a livepatch of a name that a function has as it is, and another one
#   without its suffix
# - verify that the former is patched

start_test "exact name first"

check_values "--P--" old_name=test_klp_sympos_mixed old_sympos=1
echo "ok"


# - load livepatches by each position among the functions that the source calls
#   so
# - verify that each is patched, and that sysfs has the name as it was written

start_test "position among functions of one name in the source"

name=test_klp_sympos_mixed.llvm.\*
first=$(patched_values "old_name=$name" old_sympos=1) || exit 1
second=$(patched_values "old_name=$name" old_sympos=2) || exit 1

case "$first $second" in
"----P --P--" | "--P-- ----P")
	;;
*)
	die "position 1 patched '$first', position 2 '$second'"
	;;
esac

load_lp $MOD_LIVEPATCH "old_name=$name" old_sympos=2
check_sysfs_rights "$MOD_LIVEPATCH" "$MOD_TARGET/$name,2" "drwxr-xr-x"
disable_lp $MOD_LIVEPATCH
unload_lp $MOD_LIVEPATCH
echo "ok"


# - load livepatches of names that are ambiguous, or not there
# - verify that they are refused, and that nothing is patched

start_test "refused names"

check_refused "$AMBIGUOUS '$name' in object '$MOD_TARGET'" \
	"old_name=$name" old_sympos=0
check_refused "symbol position 3 for symbol '$name'" \
	"old_name=$name" old_sympos=3
check_refused "symbol 'test_klp_sympos_none.llvm.*' $NOT_FOUND" \
	"old_name=test_klp_sympos_none.llvm.*" old_sympos=1
# A name without a suffix stands for a function without one, if there is any.
check_refused "symbol position 2 for symbol 'test_klp_sympos_mixed'" \
	old_name=test_klp_sympos_mixed old_sympos=2
echo "ok"

unload_mod $MOD_TARGET
if [[ $loaded_here -eq 1 ]]; then
	rmmod klp_sympos || die "klp_sympos is still in use"
fi

exit 0
