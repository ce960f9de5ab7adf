# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# fentry and fexit, for which the kernel needs BTF. BTF has the names of the source only.

libbpf_fentry() { hits fentry "$@"; }
libbpf_fexit() { hits fexit "$@"; }

client counted libbpf_fentry 'libbpf fentry: `SEC("fentry/foo")`'
client counted libbpf_fexit 'libbpf fexit'
