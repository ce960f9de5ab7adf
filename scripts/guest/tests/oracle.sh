# SPDX-License-Identifier: GPL-2.0
#
# Every line of /proc/kallsyms is resolved to exactly its address, vmlinux and modules, none left out;
# and klp-gen on the host says the same of vmlinux.

. /klp/ktap.sh

oracle() {
	klp-guest oracle --at-least 47000 --require-module klp_sympos \
		--require-module rust_minimal --require-module livepatch_sample | tee /dev/stderr
	return "${PIPESTATUS[0]}"
}

same_table() {
	klp-guest table /klp/symbols.json | tee /dev/stderr
	return "${PIPESTATUS[0]}"
}

modprobe rust_minimal
load_livepatch livepatch-sample

ktap_suite oracle 2
check 'every symbol resolves to its address' oracle
sed 's/^/# /' "$ktap_said"
check 'klp-gen printed the same table for vmlinux' same_table
sed 's/^/# /' "$ktap_said"
