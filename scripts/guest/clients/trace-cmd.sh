# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# trace-cmd, which compares names by itself.

# traced_while(file, option...) - the functions in the trace while the file is read; `trace-cmd record` takes the
# same options, and is slow where it traces itself
traced_while() {
	local file=$1
	shift
	trace-cmd start -b 16 "$@" >/tmp/trace-cmd || return
	cat "$file" >/dev/null
	trace-cmd stop
	trace-cmd show
	trace-cmd reset
}

trace_cmd_function() {
	traced_while "$2" -p function -l "$1"
}

client listed trace_cmd_function '`trace-cmd -p function -l foo`'
