# SPDX-License-Identifier: GPL-2.0
#
# Programs that people trace with: those that are quick, and for which the kernel needs no BTF.

. /klp/ktap.sh
. /klp/clients/check.sh

ktap_suite clients 13
check_clients tracefs perf trace-cmd libbpf
