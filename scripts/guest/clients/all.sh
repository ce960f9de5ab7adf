# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Prints the tables of docs/tracing.md, for `cargo xtask tracers`: each between the marks that it has there.

here=/klp/clients

echo '<!-- fentry: begin -->'
bash $here/fentry.sh
echo '<!-- fentry: end -->'
echo '<!-- clients: begin -->'
echo '| tracer | stock kernel | with klp_sympos | a module has `foo`, too | `foo` of a module | `FULL`, stock kernel | write |'
echo '| --- | --- | --- | --- | --- | --- | --- |'
bash $here/run.sh tracefs perf trace-cmd graph libbpf libbpf-search libbpf-new btf libbpf-tools bpftrace
echo '<!-- clients: end -->'
