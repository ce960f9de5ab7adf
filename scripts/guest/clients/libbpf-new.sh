# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The same program with libbpf 1.5, where that is another answer: the libraries that bpftrace of Debian 13 has.

newer=/klp/trixie/bpf-tracers/lib

with_newer() {
	local klp_bpf=($newer/ld-linux-x86-64.so.2 --library-path $newer /usr/bin/klp-bpf)
	"$@"
}

newer_pattern() { with_newer libbpf_pattern "$@"; }
newer_ksym() { with_newer libbpf_ksym "$@"; }

client counted newer_pattern 'libbpf 1.5 kprobe.multi, a pattern: `SEC("kprobe.multi/foo")`'
client found newer_ksym 'libbpf 1.5: `extern const void foo __ksym`'
