# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The graph tracer, by tracefs, perf and trace-cmd: slow in the guest, since it stops in every function of the
# kernel to ask whether it is one of those.

graph_function() {
	traced function_graph set_graph_function "$@"
}

perf_graph() {
	perf ftrace trace --tracer function_graph --graph-funcs "$1" -- cat "$2"
}

trace_cmd_graph() {
	traced_while "$2" -p function_graph -g "$1"
}

client graphed graph_function '`set_graph_function`: `foo`'
client graphed perf_graph '`perf ftrace -G foo`'
client graphed trace_cmd_graph '`trace-cmd -p function_graph -g foo`'
