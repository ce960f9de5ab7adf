# SPDX-License-Identifier: GPL-2.0
#
# Statics that assembly code shares its names with, in a kernel that was linked to keep the names of
# promoted statics: each does its own work, and both are in kallsyms.

. /klp/ktap.sh

results=/sys/module/klp_planted/parameters/results

own_work() {
	tee /dev/stderr <"$results" | grep -qx "$1: static 100 other 7"
}

# The name is that of assembly; the static has a suffix, as nothing else in this kernel has.
both_listed() {
	grep " klp_planted_$1" /proc/kallsyms
	[ "$(grep -c " klp_planted_$1\$" /proc/kallsyms)" = 1 ] &&
		[ "$(grep -cE " klp_planted_$1\.llvm\.[0-9]+\$" /proc/kallsyms)" = 1 ]
}

ktap_suite collisions 4
for kind in strong weak; do
	check "$kind: both functions do their own work" own_work "$kind"
	check "$kind: the static kept its suffix" both_listed "$kind"
done
