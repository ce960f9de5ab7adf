# SPDX-License-Identifier: GPL-2.0
#
# Code that the kernel changes while it runs, in a module of ours that has each sort of it: every line of
# /proc/klp_special is made by one.

. /klp/ktap.sh

special=/proc/klp_special
parameters=/sys/module/klp_special/parameters
tracing=/sys/kernel/tracing
injection=/sys/kernel/debug/fail_function

# says(line) - whether /proc/klp_special has the line
says() {
	tee /dev/stderr <"$special" | grep -qxF "$1"
}

# switched(parameter, off, on) - whether the parameter changes the line, and changes it back
switched() {
	says "$2" && echo 1 >"$parameters/$1" && says "$3" && echo 0 >"$parameters/$1" && says "$2"
}

smap_as_the_processor_has_it() {
	local smap=no
	grep -qw smap /proc/cpuinfo && smap=yes
	says "smap $smap"
}

result_injected() {
	says 'result 0' && echo special_result >"$injection/inject" || return 1
	# -EINVAL
	printf '%#x' -22 >"$injection/special_result/retval"
	echo 100 >"$injection/probability"
	echo -1 >"$injection/times"
	echo 0 >"$injection/verbose"
	says 'result -22'
	local status=$?
	echo '!special_result' >"$injection/inject"
	says 'result 0' && return $status
}

# debug_line_on_demand() - whether pr_debug() logs when it is switched on, and not before
debug_line_on_demand() {
	log_mark
	cat "$special" >/dev/null
	! log_says 'klp_special: shown' || return 1
	echo 'module klp_special +pm' >/sys/kernel/debug/dynamic_debug/control
	cat "$special" >/dev/null
	echo 'module klp_special -pm' >/sys/kernel/debug/dynamic_debug/control
	log_says 'klp_special: shown'
}

tracepoint_hit() {
	echo 1 >"$tracing/events/klp_special/enable"
	echo >"$tracing/trace"
	cat "$special" >/dev/null
	echo 0 >"$tracing/events/klp_special/enable"
	tee /dev/stderr <"$tracing/trace" | grep -q 'klp_special_shown: times=[0-9]'
}

in_printk_index() {
	grep 'klp_special_show\.c:[0-9]* shown_show "klp_special: shown too often' \
		/sys/kernel/debug/printk/index/klp_special
}

# promoted() - whether the function that the other object imports a use of has a suffix, if any has one
promoted() {
	local names
	names=$(awk '$3 ~ /^all_show/ && $4 == "[klp_special]" { print $3 }' /proc/kallsyms)
	echo "$names"
	if suffix_reduced; then
		[ "$names" = all_show ]
	else
		[[ $names =~ ^all_show\.llvm\.[0-9]+$ ]]
	fi
}

# probed_by_its_name() - whether a kprobe event on the name in the source is hit
probed_by_its_name() {
	echo 'p:klp_kprobe klp_special:all_show' >"$tracing/kprobe_events" || return 1
	echo >"$tracing/trace"
	echo 1 >"$tracing/events/kprobes/klp_kprobe/enable"
	cat "$special" >/dev/null
	echo 0 >"$tracing/events/kprobes/klp_kprobe/enable"
	tee /dev/stderr <"$tracing/trace" | grep -q 'klp_kprobe: (all_show'
	local status=$?
	echo >"$tracing/kprobe_events"
	return $status
}

ktap_suite special 14
check 'retpolines are on' grep Retpolines /sys/devices/system/cpu/vulnerabilities/spectre_v2
# 6.12 says "Using kCFI", 7.3 "CFI: Using rehashed retpoline kCFI".
check 'kCFI is on' grep 'Using .*kCFI' <(dmesg)
insmod /klp/modules/klp_special.ko
check 'a static key is switched' switched key 'static key off' 'static key on'
check 'a static call is switched' switched call 'static call first' 'static call second'
check 'a pointer to a function is called' switched call 'pointer first' 'pointer second'
check 'an alternative is chosen' smap_as_the_processor_has_it
check 'a fault is handled' says 'fault -14'
check 'a result is injected' result_injected
check 'pr_debug() logs on demand' debug_line_on_demand
check 'a tracepoint is hit' tracepoint_hit
check 'the index of printk() has the module' in_printk_index
check 'a function that both objects need was promoted' promoted
modprobe klp_sympos
check 'it is probed by its name' probed_by_its_name
modprobe 8021q
check 'a module of the kernel of several objects prints its table' grep 'VLAN Dev name' /proc/net/vlan/config
