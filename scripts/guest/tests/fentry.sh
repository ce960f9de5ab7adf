# SPDX-License-Identifier: GPL-2.0
#
# fentry and fexit: one function, and then each promoted function of vmlinux, which kprobe.multi takes as well.

. /klp/ktap.sh
. /klp/clients/check.sh

klp-guest promoted --every >/tmp/promoted

each() {
	klp-bpf fentry-each </tmp/promoted
}

none() {
	each >/tmp/each
	cat /tmp/each
	grep -qx '0 attached' /tmp/each
}

all_at_once() {
	klp-bpf multi-all </tmp/promoted
}

refused() {
	! "$@"
}

ktap_suite fentry 6
check_clients btf
check 'fentry: none without klp_sympos' none
check 'kprobe.multi: refused without klp_sympos' refused all_at_once
modprobe klp_sympos
check 'fentry: each is traced, or there is a reason why not' each
check 'kprobe.multi: all that can be traced, and no other' all_at_once
