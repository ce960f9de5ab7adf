# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# A program of our own that uses libbpf: scripts/guest/bpf. This is Debian 12's libbpf, 1.1.

libbpf_kprobe() { hits kprobe "$@"; }
libbpf_kretprobe() { hits kretprobe "$@"; }
libbpf_multi() { hits kprobe.multi "$@"; }
libbpf_return_multi() { hits kretprobe.multi "$@"; }

# libbpf_lookup(name) - the address that a program of BPF finds
libbpf_lookup() {
	"${klp_bpf[@]}" lookup "$1" -
}

client counted libbpf_kprobe 'libbpf kprobe: `bpf_program__attach_kprobe()`'
client counted libbpf_kretprobe 'libbpf kretprobe'
client counted libbpf_multi 'libbpf kprobe.multi, a list of names: `opts.syms`'
client counted libbpf_return_multi 'libbpf kretprobe.multi, a list of names'
client found libbpf_lookup '`bpf_kallsyms_lookup_name("foo")`'
