# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Names that libbpf looks for by itself, in lists of the kernel: no lookup of the kernel is asked.

libbpf_pattern() { hits pattern "$@"; }
libbpf_glob() { hits pattern "$1*" "$2"; }

# libbpf_ksym(name) - the address that libbpf finds for a reference without a type. A full name is no name of C.
libbpf_ksym() {
	"${klp_bpf[@]}" ksym "$1" "/klp/bpf/ksym-$1.bpf.o"
}

client counted libbpf_pattern 'libbpf 1.1 kprobe.multi, a pattern: `SEC("kprobe.multi/foo")`'
client counted libbpf_glob 'libbpf 1.1 kprobe.multi, a pattern: `SEC("kprobe.multi/foo*")`'
client found libbpf_ksym 'libbpf 1.1: `extern const void foo __ksym`'
