# SPDX-License-Identifier: GPL-2.0
#
# Fails every allocation of loading the module and of asking it, one after the other.

. /klp/ktap.sh

failslab=/sys/kernel/debug/failslab
# Allocations that may sleep are what this is about; a stack trace for each is too much.
echo N >"$failslab/ignore-gfp-wait"
echo 0 >"$failslab/verbose"

ktap_suite failslab 2
check 'every allocation may fail' klp-guest failslab "$(modinfo -n klp_sympos)" --question event_show
sed 's/^/# /' "$ktap_said"
check 'the module loads after that' modprobe klp_sympos
