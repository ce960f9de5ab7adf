# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The files of tracefs themselves, which all the others write to.

tracing=/sys/kernel/tracing

# clear_trace() - empty the trace, and go on tracing: trace-cmd leaves that off
clear_trace() {
	echo 1 >"$tracing/tracing_on"
	echo >"$tracing/trace"
}

# event(file, definition, name, file to read) - hits of an event that is added by this line
event() {
	local events=$tracing/$1
	echo "$2 $3" >"$events" || return
	clear_trace
	echo 1 >"$tracing/events/klp_client/enable"
	cat "$4" >/dev/null
	echo 0 >"$tracing/events/klp_client/enable"
	grep -c 'client: (' "$tracing/trace"
	echo >"$events"
}

kprobe_event() {
	event kprobe_events p:klp_client/client "$@"
}

fprobe_event() {
	event dynamic_events f:klp_client/client "$@"
}

# traced(tracer, file of tracefs, name, file to read) - the functions in the trace
traced() {
	echo "$3" >"$tracing/$2" || return
	echo "$1" >"$tracing/current_tracer"
	clear_trace
	cat "$4" >/dev/null
	grep -v '^#' "$tracing/trace"
	echo nop >"$tracing/current_tracer"
	echo >"$tracing/$2"
}

ftrace_filter() {
	traced function set_ftrace_filter "$@"
}

client counted kprobe_event '`kprobe_events`: `p foo`'
client counted fprobe_event '`dynamic_events`: `f foo`'
client listed ftrace_filter '`set_ftrace_filter`: `foo`'
