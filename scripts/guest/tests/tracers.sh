# SPDX-License-Identifier: GPL-2.0
#
# Tracers on the cleaned name of a promoted function: refused without klp_sympos, hit with it, and
# refused with it while the name is ambiguous. Where suffixes are reduced a module has the function.

. /klp/ktap.sh

tracing=/sys/kernel/tracing
# Prints /proc/tty/ldiscs.
static=tty_ldiscs_seq_show
if suffix_reduced; then
	insmod /klp/modules/klp_promoted.ko
	function=klp_promoted_show
	printed=/sys/module/klp_promoted/parameters/show
else
	function=$static
	printed=/proc/tty/ldiscs
fi

call() {
	cat "$printed" >/dev/null
}

# last_error() - the newest message of tracing/error_log
last_error() {
	grep 'error:' "$tracing/error_log" | tail -n 1
}

add_kprobe() {
	echo "p:klp_kprobe $function" >"$tracing/kprobe_events"
}

remove_kprobe() {
	echo >"$tracing/kprobe_events"
}

add_fprobe() {
	echo "f:klp_fprobe $function" >"$tracing/dynamic_events"
}

remove_fprobe() {
	echo >"$tracing/dynamic_events"
}

add_filter() {
	echo "$function" >"$tracing/set_ftrace_filter"
}

add_graph() {
	echo "$function" >"$tracing/set_graph_function"
}

# The kernel's own sample calls register_fprobe_syms(), as BPF does for kprobe_multi.
add_fprobe_syms() {
	insmod /klp/modules/fprobe_example.ko "symbol=$function" stackdump=0
}

# refused(command...) - whether it fails
refused() {
	! "$@"
}

# ambiguous(command...) - whether it fails because the name may stand for several functions
ambiguous() {
	! LC_ALL=C "$@" 2>/tmp/error && tee /dev/stderr </tmp/error | grep -qF 'Cannot assign requested address'
}

# ambiguous_fprobe() - whether it fails, and error_log says so: the error of 7.3 is that of any other fault
ambiguous_fprobe() {
	! add_fprobe && grep 'error:' "$tracing/error_log" | tail -n 1 | tee /dev/stderr |
		grep -qF 'The symbol is not unique'
}

# ambiguous_syms() - whether it fails, and the log says so, since its error is the one for no such name
ambiguous_syms() {
	log_mark
	! add_fprobe_syms && log_says "'$function' may stand for 2 symbols:"
}

refused_as() {
	! "$1" && last_error | tee /dev/stderr | grep -qF "$2"
}

# event_hit(event, add, remove) - whether the event is there, and in the trace after a call
event_hit() {
	"$2" || return 1
	echo >"$tracing/trace"
	echo 1 >"$tracing/events/$1/enable"
	call
	echo 0 >"$tracing/events/$1/enable"
	grep "${1#*/}:" "$tracing/trace"
	local hit=$?
	"$3"
	return $hit
}

ftrace_hit() {
	add_filter || return 1
	cat "$tracing/set_ftrace_filter"
	echo function >"$tracing/current_tracer"
	echo >"$tracing/trace"
	call
	grep -v '^#' "$tracing/trace" >/tmp/trace
	echo nop >"$tracing/current_tracer"
	echo >"$tracing/set_ftrace_filter"
	cat /tmp/trace
	grep -q " $function\.llvm\." /tmp/trace && ! grep -qv " $function\.llvm\." /tmp/trace
}

graph_hit() {
	add_graph || return 1
	cat "$tracing/set_graph_function"
	echo function_graph >"$tracing/current_tracer"
	echo >"$tracing/trace"
	call
	grep -v '^#' "$tracing/trace" >/tmp/trace
	echo nop >"$tracing/current_tracer"
	echo >"$tracing/set_graph_function"
	head -n 5 /tmp/trace
	grep -q " $function\.llvm\.[0-9]*\( \[klp_promoted\]\)\?() {" /tmp/trace
}

# fprobe_syms_hit() - whether the sample is there, and logs a call
fprobe_syms_hit() {
	add_fprobe_syms || return 1
	log_mark
	call
	rmmod fprobe_example
	log_says "Enter <$function.llvm."
}

# removed_by_the_same_name(file, add) - whether what was added goes by the name by which it came
removed_by_the_same_name() {
	"$2" && grep "^$function\.llvm\." "$tracing/$1" || return 1
	# The file opened for more, or it would be emptied first.
	echo "!$function" >>"$tracing/$1" && ! grep "^$function" "$tracing/$1"
}

# filters_in(module) - whether set_ftrace_filter has one function by its name in this module, and no other
filters_in() {
	echo "$function:mod:$1" >"$tracing/set_ftrace_filter"
	grep "^$function\.llvm\." "$tracing/set_ftrace_filter" >/tmp/filter
	echo >"$tracing/set_ftrace_filter"
	cat /tmp/filter
	[ "$(wc -l </tmp/filter)" = 1 ] && grep -q "\[$1\]" /tmp/filter
}

# kprobe_in(module) - whether a kprobe event is set by its name in this module
kprobe_in() {
	echo "p:klp_kprobe $1:$function" >"$tracing/kprobe_events" &&
		grep " $function\.llvm\.[0-9]*+0x[0-9a-f]* *$1 " /sys/kernel/debug/kprobes/list
	local status=$?
	remove_kprobe
	return $status
}

trigger_comes_and_goes() {
	echo "$function:traceoff" >"$tracing/set_ftrace_filter" || return 1
	grep "^$function.*:traceoff" "$tracing/set_ftrace_filter" || return 1
	echo "!$function:traceoff" >"$tracing/set_ftrace_filter" || return 1
	! grep traceoff "$tracing/set_ftrace_filter"
}

# ambiguity_logged() - whether the last refusal named both functions
ambiguity_logged() {
	log_mark
	add_kprobe && return 1
	log_says "kallsyms: '$function' may stand for 2 symbols:" &&
		log_says ": $function.llvm.1 [klp_twins]" &&
		[ "$(log_since | grep -c "$function\.llvm\.")" = 2 ]
}

neither_a_part_nor_a_pattern_is_a_name() {
	! echo "${function%show}sho" >"$tracing/set_ftrace_filter" &&
		! echo "*$function" >"$tracing/set_ftrace_filter"
}

exact_name_wins() {
	if suffix_reduced; then
		exact_name_wins_over_a_module
		return
	fi
	# default_read_file is there twice: as such and promoted. The exact one is found, as ever.
	grep ' default_read_file\.llvm\.[0-9]*$' /proc/kallsyms &&
		echo 'p:klp_kprobe default_read_file' >"$tracing/kprobe_events" &&
		grep ' default_read_file+0x' /sys/kernel/debug/kprobes/list
	local status=$?
	remove_kprobe
	return $status
}

# What klp_twins has too, with a suffix.
exact_name_wins_over_a_module() {
	insmod /klp/modules/klp_twins.ko
	grep " $static\.llvm\.1" /proc/kallsyms &&
		echo "p:klp_kprobe $static" >"$tracing/kprobe_events" &&
		grep " $static+0x" /sys/kernel/debug/kprobes/list
	local status=$?
	remove_kprobe
	rmmod klp_twins
	return $status
}

# The name that the function has in the source, on a kernel that kept it.
static_hit() {
	echo "p:klp_kprobe $static" >"$tracing/kprobe_events"
}

if suffix_reduced; then
	ktap_suite tracers 26
	printed=/proc/tty/ldiscs
	check 'kprobe event: a static is hit without klp_sympos' \
		event_hit kprobes/klp_kprobe static_hit remove_kprobe
	printed=/sys/module/klp_promoted/parameters/show
else
	ktap_suite tracers 25
fi
check 'kprobe event: refused without klp_sympos' refused_as add_kprobe 'Invalid probed address or symbol'
check 'fprobe event: refused without klp_sympos' refused add_fprobe
check 'set_ftrace_filter: refused without klp_sympos' refused add_filter
check 'set_graph_function: refused without klp_sympos' refused add_graph
check 'register_fprobe_syms(): refused without klp_sympos' refused add_fprobe_syms

modprobe klp_sympos
check 'kprobe event: hit' event_hit kprobes/klp_kprobe add_kprobe remove_kprobe
check 'fprobe event: hit' event_hit fprobes/klp_fprobe add_fprobe remove_fprobe
check 'set_ftrace_filter: hit, and nothing else' ftrace_hit
check 'set_graph_function: hit' graph_hit
check 'register_fprobe_syms(): hit' fprobe_syms_hit
check 'set_ftrace_filter: removed by the same name' removed_by_the_same_name set_ftrace_filter add_filter
check 'set_graph_function: removed by the same name' \
	removed_by_the_same_name set_graph_function add_graph
check 'a function trigger is removed by the same name' trigger_comes_and_goes
check 'set_ftrace_filter: a part of a name and a pattern are refused' \
	neither_a_part_nor_a_pattern_is_a_name
check 'set_ftrace_filter: no module but its own has it' refused filters_in klp_sympos
check 'an exact name wins' exact_name_wins

# Has the name as well, with another suffix.
insmod /klp/modules/klp_twins.ko
check 'kprobe event: refused while ambiguous' refused_as add_kprobe 'The symbol is not unique'
check 'the log says what it may stand for' ambiguity_logged
check 'fprobe event: refused while ambiguous' ambiguous_fprobe
check 'set_ftrace_filter: refused while ambiguous' ambiguous add_filter
check 'set_graph_function: refused while ambiguous' ambiguous add_graph
check 'register_fprobe_syms(): refused while ambiguous' ambiguous_syms
check 'set_ftrace_filter: one module has one' filters_in klp_twins
check 'kprobe event: one module has one' kprobe_in klp_twins
rmmod klp_twins
check 'kprobe event: hit when it is not any more' event_hit kprobes/klp_kprobe add_kprobe remove_kprobe
