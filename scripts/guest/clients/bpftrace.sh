# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# bpftrace, which compiles each program: too slow for every run of the tests.

# traced_by(probe, file) - how often a probe of bpftrace was hit
traced_by() {
	bpftrace -q -e "$1 { @hits = count(); }" -c "/usr/bin/cat $2" >/tmp/bpftrace || return
	awk '/^@hits: / { hits = $2 } END { print hits + 0 }' /tmp/bpftrace
}

bpftrace_kprobe() { traced_by "kprobe:$1" "$2"; }
bpftrace_kretprobe() { traced_by "kretprobe:$1" "$2"; }
bpftrace_glob() { traced_by "kprobe:$1*" "$2"; }
bpftrace_fentry() { traced_by "fentry:$(object_of "$2")$1" "$2"; }
bpftrace_fexit() { traced_by "fexit:$(object_of "$2")$1" "$2"; }

# object_of(file) - `MODULE:` for a parameter of a module: bpftrace looks for it by the full name only
object_of() {
	local module=${1#/sys/module/}
	[ "$module" = "$1" ] || echo "${module%%/*}:"
}

# bpftrace_list(name) - what bpftrace says that there is
bpftrace_list() {
	bpftrace -l "kprobe:$1" | tee /dev/stderr | grep -q "^kprobe:"
}

client counted bpftrace_kprobe '`bpftrace -e "kprobe:foo { … }"`'
client counted bpftrace_kretprobe '`bpftrace -e "kretprobe:foo { … }"`'
client counted bpftrace_glob '`bpftrace -e "kprobe:foo* { … }"`'
client counted bpftrace_fentry '`bpftrace -e "fentry:foo { … }"`, in a module `fentry:MODULE:foo`'
client counted bpftrace_fexit '`bpftrace -e "fexit:foo { … }"`, in a module `fexit:MODULE:foo`'
client found bpftrace_list '`bpftrace -l "kprobe:foo"`'
