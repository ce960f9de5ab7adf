# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# perf, of the version of the kernel.

perf_data=/tmp/perf.data

perf_ftrace() {
	perf ftrace trace --tracer function --trace-funcs "$1" -- cat "$2"
}

perf_latency() {
	perf ftrace latency --trace-funcs "$1" -- cat "$2" >/tmp/latency || return
	# A row of the histogram: `1 - 2 us | 1 | ###`.
	awk -F'|' '{ hits += $2 } END { print hits + 0 }' /tmp/latency
}

perf_probe() {
	perf probe --quiet --add "klp_client=$1" || return
	perf record --quiet --output $perf_data --event 'probe:klp_client' -- cat "$2" >/dev/null
	perf script --input $perf_data | grep -c klp_client
	perf probe --quiet --del 'probe:*'
}

# An event that was added through tracefs.
perf_record() {
	echo "p:klp_client/client $1" >/sys/kernel/tracing/kprobe_events || return
	perf record --quiet --output $perf_data --event klp_client:client -- cat "$2" >/dev/null
	perf script --input $perf_data | grep -c klp_client:client
	echo >/sys/kernel/tracing/kprobe_events
}

client listed perf_ftrace '`perf ftrace -T foo`'
client counted perf_latency '`perf ftrace latency -T foo`'
client counted perf_probe '`perf probe --add foo`'
client counted perf_record '`perf record -e` of the event `p foo`'
