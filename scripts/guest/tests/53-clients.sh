# SPDX-License-Identifier: GPL-2.0
#
# What people trace with, as far as the kernel needs no BTF for it and it is quick.

. /klp/ktap.sh
. /klp/clients/check.sh

ktap_suite clients 13
check_clients tracefs perf trace-cmd libbpf
