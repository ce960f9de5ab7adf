# SPDX-License-Identifier: GPL-2.0
#
# Either half of klp_sympos without the other: parameters of the module leave out what it does for
# livepatches, or for tracers.

. /klp/ktap.sh

tracing=/sys/kernel/tracing
insmod /klp/modules/klp_promoted.ko

# The functions are modules': in vmlinux there may be none with a suffix.
load() {
	insmod /klp/modules/livepatch_first.ko objname=klp_target old_name=target_show &&
		wait_for livepatch_settled livepatch_first
}

livepatch_is_found() {
	load && grep -qx first /proc/klp_target
	local status=$?
	[ $status = 0 ] && unload_livepatch livepatch_first
	return $status
}

# The stock kernel refuses it, by its own words.
livepatch_is_refused() {
	log_mark
	! load && log_says "livepatch: symbol 'target_show' not found in symbol table" &&
		! log_says 'klp_sympos:'
}

kprobe_is_found() {
	echo 'p:klp_kprobe klp_promoted_show' >"$tracing/kprobe_events"
	local status=$?
	echo >"$tracing/kprobe_events"
	return $status
}

filter_is_found() {
	echo klp_promoted_show >"$tracing/set_ftrace_filter"
	local status=$?
	echo >"$tracing/set_ftrace_filter"
	return $status
}

refused() {
	! "$@"
}

# says(livepatch, tracers) - whether parameters and debugfs say what is looked up
says() {
	local parameters=/sys/module/klp_sympos/parameters
	[ "$(cat $parameters/livepatch $parameters/tracers | xargs)" = "$1 $2" ] &&
		grep -x "livepatch: $1" /sys/kernel/debug/klp_sympos/policy &&
		grep -x "tracers: $2" /sys/kernel/debug/klp_sympos/policy
}

# answers() - whether debugfs answers
answers() {
	exec 3<>/sys/kernel/debug/klp_sympos/query
	echo klp_target:target_show >&3
	cat <&3 | tee /dev/stderr | grep -q '^resolved .* target_show\.llvm\.900 1/1 klp_target$'
	local status=$?
	exec 3>&-
	return $status
}

insmod /klp/modules/klp_target.ko
ktap_suite halves 17

modprobe klp_sympos tracers=0
check 'livepatch alone: said' says Y N
check 'livepatch alone: a livepatch finds its function' livepatch_is_found
check 'livepatch alone: a kprobe does not' refused kprobe_is_found
check 'livepatch alone: set_ftrace_filter does not' refused filter_is_found
check 'livepatch alone: debugfs answers' answers
check 'livepatch alone: klp_sympos can go' rmmod klp_sympos

modprobe klp_sympos livepatch=0
check 'tracers alone: said' says N Y
check 'tracers alone: a livepatch does not find its function' livepatch_is_refused
check 'tracers alone: a kprobe does' kprobe_is_found
check 'tracers alone: set_ftrace_filter does' filter_is_found
check 'tracers alone: debugfs answers' answers
check 'tracers alone: klp_sympos can go' rmmod klp_sympos

modprobe klp_sympos
check 'both: said' says Y Y
check 'both: a livepatch finds its function' livepatch_is_found
check 'both: a kprobe does' kprobe_is_found
check 'both: set_ftrace_filter does' filter_is_found
check 'a parameter does not change while the module is loaded' \
	refused sh -c 'echo N >/sys/module/klp_sympos/parameters/livepatch'
