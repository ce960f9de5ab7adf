# SPDX-License-Identifier: GPL-2.0
#
# Runs those of the kernel's tools/testing/selftests/ftrace that are about promoted functions: each where
# klp_sympos cannot be loaded, and where it can.

. /klp/ktap.sh

cd /klp/selftests/ftrace || exit 1

# Stands for a kernel that has no klp_sympos.
mkdir /tmp/no-module
printf '#!/bin/sh\nexit 1\n' >/tmp/no-module/modprobe
chmod +x /tmp/no-module/modprobe

run() {
	bash ./ftracetest --logdir /tmp/ftracetest -vv --fail-unsupported --fail-unresolved "$1"
}

# unresolved(test) - whether it says that it cannot be run
unresolved() {
	PATH=/tmp/no-module:$PATH run "$1" | tee /dev/stderr | grep -q '\[UNRESOLVED\]'
}

ktap_suite ftrace-selftests 4
tests=(test.d/kprobe/kprobe_promoted_symbol.tc test.d/ftrace/func-filter-promoted.tc)
for test in "${tests[@]}"; do
	check "${test##*/} needs klp_sympos" unresolved "$test"
done
for test in "${tests[@]}"; do
	check "${test##*/}" run "$test"
done
