# SPDX-License-Identifier: GPL-2.0
#
# Symbols in the way of the one that a tracer means: those of exactly its name, those that it can make no
# use of, and those that come, go, or go by another spelling.

. /klp/ktap.sh

tracing=/sys/kernel/tracing
filter=$tracing/set_ftrace_filter
if suffix_reduced; then
	insmod /klp/modules/klp_promoted.ko
	function=klp_promoted_show
else
	function=tty_ldiscs_seq_show
fi
full=$(awk -v name="$function.llvm." 'index($3, name) == 1 { print $3 }' /proc/kallsyms)
namesakes=/klp/modules/klp_namesakes.ko

reset() {
	echo >"$tracing/kprobe_events"
	echo >"$tracing/dynamic_events"
	echo >"$filter"
	echo >"$tracing/set_graph_function"
}

# refused(command...) - whether it fails
refused() {
	! "$@"
}

# refused_as(text, command...) - whether it fails with this error
refused_as() {
	local text=$1
	shift
	if LC_ALL=C "$@" 2>/tmp/error; then
		return 1
	fi
	tee /dev/stderr </tmp/error | grep -qF "$text"
}

set_filter() {
	echo "$1" >"$filter"
}

add_filter() {
	echo "$1" >>"$filter"
}

set_graph() {
	echo "$1" >"$tracing/set_graph_function"
}

set_kprobe() {
	echo "p:klp_kprobe $1" >"$tracing/kprobe_events"
}

set_fprobe() {
	echo "f:klp_fprobe $1" >"$tracing/dynamic_events"
}

add_fprobe_syms() {
	insmod /klp/modules/fprobe_example.ko "symbol=$1" stackdump=0
}

# filters(name...) - whether these functions, and no others, are in the filter
filters() {
	sed 's/ \[.*//' "$filter" >/tmp/filter
	cat /tmp/filter
	diff /tmp/filter <(printf '%s\n' "$@")
}

# probes(place) - whether a kprobe is there
probes() {
	cat /sys/kernel/debug/kprobes/list
	grep -q " $1+0x" /sys/kernel/debug/kprobes/list
}

# graphs(name) - whether this function, and no other, is set
graphs() {
	sed 's/ \[.*//' "$tracing/set_graph_function" >/tmp/graph
	cat /tmp/graph
	[ "$(cat /tmp/graph)" = "$1" ]
}

# logged() - what was logged for tracers since log_mark
logged() {
	log_since | sed -n 's/^\[[ 0-9.]*\] \(kallsyms\|ftrace\): /\1: /p'
}

# says_what_was_passed_over(command...) - whether the log says once that the name is taken as it is
says_what_was_passed_over() {
	log_mark
	"$@" || return 1
	logged >/tmp/logged
	cat /tmp/logged
	diff <(sed 's/ \[.*//; s/^[a-z]*: //; s/symbol of/function of/' /tmp/logged) <(
		echo "'$function' is the function of exactly this name, and not one of 1:"
		echo "  1: $full"
	)
}

# says_nothing(command...) - whether the log has no word of it
says_nothing() {
	log_mark
	"$@" && [ -z "$(logged)" ]
}

exact_kprobe() {
	set_kprobe "$function" && probes "$function"
}

exact_filter() {
	set_filter "$function" && filters "$function"
}

exact_graph() {
	set_graph "$function" && graphs "$function"
}

exact_fprobe() {
	set_fprobe "$function"
}

# A program that asks without end must not fill the log.
says_it_at_a_limited_rate() {
	local n said
	log_mark
	for ((n = 0; n < 40; n++)); do
		set_filter "$function" || return 1
	done
	said=$(logged | grep -c "'$function'")
	echo "$said of 40"
	((said > 0 && said <= 30))
}

a_kprobe_stays_where_it_is() {
	set_kprobe "$function" && probes "$full" || return 1
	insmod "$namesakes" || return 1
	probes "$full"
	local status=$?
	rmmod klp_namesakes
	return $status
}

# The function klp_hidden.llvm.1 and the variable klp_hidden; two of klp_both.
usable_filter() {
	set_filter "$1" && filters "$2"
}

usable_graph() {
	set_graph "$1" && graphs "$2"
}

usable_kprobe() {
	set_kprobe "$1" && probes "$2"
}

usable_fprobe_syms() {
	add_fprobe_syms "$1" || return 1
	log_mark
	cat /sys/module/klp_namesakes/parameters/call
	rmmod fprobe_example
	log_says "Enter <$2"
}

# Removed by the name by which it was set, although that has become ambiguous.
removed_while_ambiguous() {
	set_filter "$function" && filters "$full" || return 1
	insmod /klp/modules/klp_twins.ko || return 1
	add_filter "!$function" && [ "$(cat "$filter")" = '#### all functions enabled ####' ]
	local status=$?
	rmmod klp_twins
	return $status
}

# Removed by the name by which it was set, although something else has come that has exactly this name.
removed_while_another_has_the_name() {
	set_filter "$function" && filters "$full" || return 1
	set_graph "$function" && graphs "$full" || return 1
	insmod "$namesakes" || return 1
	add_filter "!$function" && [ "$(cat "$filter")" = '#### all functions enabled ####' ] &&
		echo "!$function" >>"$tracing/set_graph_function" &&
		[ "$(cat "$tracing/set_graph_function")" = '#### all functions enabled ####' ]
	local status=$?
	rmmod klp_namesakes
	return $status
}

both_removals_are_ambiguous() {
	insmod /klp/modules/klp_twins.ko || return 1
	set_filter "$full" && add_filter "$function.llvm.1" &&
		refused_as 'Cannot assign requested address' add_filter "!$function" &&
		[ "$(wc -l <"$filter")" = 2 ]
	local status=$?
	reset
	rmmod klp_twins
	return $status
}

# One function by two spellings is one entry.
two_spellings() {
	set_filter "$function" && add_filter "$full" && filters "$full" || return 1
	set_graph "$function" && echo "$full" >>"$tracing/set_graph_function" && graphs "$full"
}

# Events are told apart by their texts, as for any two names of one address.
two_spellings_of_an_event() {
	set_kprobe "$function" && echo "p:klp_other $full" >>"$tracing/kprobe_events" || return 1
	cat "$tracing/kprobe_events"
	[ "$(grep -c "$function" "$tracing/kprobe_events")" = 2 ] &&
		echo '-:klp_kprobe' >>"$tracing/kprobe_events" && probes "$full"
}

# A module's function by its name in the source, before the module is there.
filter_of_a_module_that_comes() {
	set_filter "klp_hidden:mod:klp_namesakes" || return 1
	insmod "$namesakes" || return 1
	filters klp_hidden.llvm.1
	local status=$?
	rmmod klp_namesakes
	return $status
}

# An event of a module is there again when the module is.
kprobe_of_a_module_that_comes_again() {
	insmod "$namesakes" && set_kprobe klp_namesakes:klp_hidden && probes 'klp_hidden\.llvm\.1' || return 1
	rmmod klp_namesakes && insmod "$namesakes" || return 1
	probes 'klp_hidden\.llvm\.1'
}

trigger_after_klp_sympos() {
	echo "$function:traceoff" >"$filter" || return 1
	rmmod klp_sympos || return 1
	# By the name that nobody knows any more, it stays; by that which the file shows, it goes.
	refused_as 'Invalid argument' set_filter "!$function:traceoff" &&
		set_filter "!$full:traceoff" && ! grep traceoff "$filter"
	local status=$?
	modprobe klp_sympos
	return $status
}

trigger_while_ambiguous() {
	echo "$function:traceoff" >"$filter" || return 1
	insmod /klp/modules/klp_twins.ko || return 1
	set_filter "!$function:traceoff" && ! grep traceoff "$filter"
	local status=$?
	rmmod klp_twins
	return $status
}

event_filter() {
	echo "call_site.function == $1" >"$tracing/events/kmem/kmalloc/filter"
}

event_filter_finds_the_function() {
	event_filter "$function" && cat "$tracing/events/kmem/kmalloc/filter" &&
		echo 0 >"$tracing/events/kmem/kmalloc/filter"
}

ambiguity_is_told_to_be_written() {
	insmod /klp/modules/klp_twins.ko
	log_mark
	refused_as 'Cannot assign requested address' set_filter "$function" && logged >/tmp/logged
	local status=$?
	cat /tmp/logged
	if ((status == 0)); then
		diff <(sed 's/ \[klp_promoted\]//' /tmp/logged) <(
			echo "ftrace: '$function' may stand for 2 functions:"
			echo "ftrace:   1: $full"
			echo "ftrace:   2: $function.llvm.1 [klp_twins]"
		) && set_filter "$function:mod:klp_twins" && filters "$function.llvm.1"
		status=$?
	fi
	reset
	rmmod klp_twins
	return $status
}

# Only the modules that were asked for are told.
ambiguity_of_a_glob() {
	insmod /klp/modules/klp_twins.ko && insmod "$namesakes" || return 1
	log_mark
	set_filter "$function:mod:klp_*" && filters "$function" && logged >/tmp/logged
	local status=$?
	cat /tmp/logged
	((status == 0)) && diff <(sed 's/ \[.*//' /tmp/logged) <(
		echo "ftrace: '$function' is the function of exactly this name, and not one of $1:"
		suffix_reduced && echo "ftrace:   1: $full"
		echo "ftrace:   $1: $function.llvm.1"
	)
	status=$?
	reset
	rmmod klp_namesakes klp_twins
	return $status
}

ambiguous_event_filter() {
	insmod /klp/modules/klp_twins.ko || return 1
	log_mark
	! event_filter "$function" && log_says "kallsyms: '$function' may stand for 2 symbols:"
	local status=$?
	rmmod klp_twins
	return $status
}

ambiguous_fprobe_event() {
	insmod /klp/modules/klp_twins.ko
	! set_fprobe "$function" && grep 'error:' "$tracing/error_log" | tail -n 1 | tee /dev/stderr |
		grep -qF 'The symbol is not unique'
	local status=$?
	rmmod klp_twins
	return $status
}

ktap_suite namesakes 41
check 'stock kernel: an event filter knows no such function' refused event_filter "$function"
insmod "$namesakes"
check 'stock kernel: a variable hides a function from set_ftrace_filter' \
	refused_as 'Invalid argument' set_filter klp_hidden
check 'stock kernel: and from a kprobe event' refused set_kprobe klp_hidden
check 'stock kernel: an exact name is taken without a word' says_nothing exact_filter
reset
rmmod klp_namesakes
modprobe klp_sympos

check 'event filter: finds the function' event_filter_finds_the_function
check 'kprobe event: stays where it is when an exact name comes' a_kprobe_stays_where_it_is
reset
check 'a name that is clear is set without a word' says_nothing set_filter "$function"
insmod "$namesakes"
check 'kprobe event: an exact name wins, and what it hides is said' says_what_was_passed_over exact_kprobe
reset
check 'set_ftrace_filter: an exact name wins, and what it hides is said' \
	says_what_was_passed_over exact_filter
check 'set_graph_function: an exact name wins, and what it hides is said' \
	says_what_was_passed_over exact_graph
check 'fprobe event: an exact name wins, and what it hides is said' says_what_was_passed_over exact_fprobe
reset
check 'it is said at a limited rate' says_it_at_a_limited_rate
reset
# The limit of the log is five seconds.
sleep 6

for name in klp_hidden klp_both; do
	suffix=$([ "$name" = klp_hidden ] && echo 1 || echo 2)
	check "set_ftrace_filter: $name is the function" usable_filter "$name" "$name.llvm.$suffix"
	check "set_graph_function: $name is the function" usable_graph "$name" "$name.llvm.$suffix"
	check "kprobe event: $name is the function" usable_kprobe "$name" "$name\.llvm\.$suffix"
	reset
	check "kprobe event: klp_namesakes:$name is the function" \
		usable_kprobe "klp_namesakes:$name" "$name\.llvm\.$suffix"
	reset
	check "fprobe event: $name is the function" set_fprobe "$name"
	reset
	check "register_fprobe_syms(): $name is the function" usable_fprobe_syms "$name" "$name.llvm.$suffix"
done
for modules in '' klp_namesakes 'klp_name*' '!klp_twins'; do
	check "set_ftrace_filter: klp_hidden:mod:$modules" usable_filter "klp_hidden:mod:$modules" klp_hidden.llvm.1
done
reset
rmmod klp_namesakes

check 'set_ftrace_filter: removed by a name that has become ambiguous' removed_while_ambiguous
check 'a function is removed although another has exactly the name now' removed_while_another_has_the_name
reset
check 'set_ftrace_filter: one of two that are set is not removed by the name of both' \
	both_removals_are_ambiguous
check 'one function by two spellings is one entry' two_spellings
reset
check 'kprobe events: two spellings are two events' two_spellings_of_an_event
reset
check 'an ambiguity is told so that it can be written' ambiguity_is_told_to_be_written
check 'an ambiguity in some modules is told by what they have' \
	ambiguity_of_a_glob $(suffix_reduced && echo 2 || echo 1)
check 'event filter: an ambiguity is told' ambiguous_event_filter
check 'fprobe event: error_log says that it is ambiguous' ambiguous_fprobe_event
reset
check 'set_ftrace_filter: name:mod:module before the module comes' filter_of_a_module_that_comes
reset
check 'kprobe event: module:name when the module comes again' kprobe_of_a_module_that_comes_again
reset
rmmod klp_namesakes
check 'a trigger is removed by a name that has become ambiguous' trigger_while_ambiguous
check 'a trigger is removed by its full name without klp_sympos' trigger_after_klp_sympos
