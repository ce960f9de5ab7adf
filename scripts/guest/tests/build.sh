# SPDX-License-Identifier: GPL-2.0
#
# Livepatches that klp-gen build made of the source patches in scripts/fixtures/patches: each is loaded, the functions
# that it changes are executed, it is disabled, and they are executed again.

. /klp/ktap.sh
. /klp/checks/patches.sh

built=/klp/built

# Each line is from a function with other entries in special sections: see klp_special.c.
special=/proc/klp_special
before[special]='static call first,pointer first,smap,fault -14,result 0,shown'
after[special]='livepatched static call first,livepatched pointer first,livepatched smap,fault -6,result 5,livepatched shown'
special() {
	sed '/^static key/d; s/smap .*/smap/; s/shown .*/shown/' $special | paste -s -d ,
}

patches='string promoted inlined percpu after_init static_local namesake new tracepoint fault header module'

# all_print(when) - whether that is so for each patch, before or after
all_print() {
	local patch status=0
	local -n texts=$1
	for patch in $patches special; do
		prints "$patch" "${texts[$patch]}" || status=1
	done
	return $status
}

# warned(function, module) - whether WARN() says where it is; its text is kept from the console, which says that
# something is wrong
warned() {
	local status
	log_mark
	echo 1 >/proc/sys/kernel/printk
	cat $special >/dev/null
	log_says "$1+" && log_says "[$2]" && log_says 'WARNING: '
	status=$?
	echo 7 >/proc/sys/kernel/printk
	return $status
}

calls_switched() {
	local status
	echo 1 >/sys/module/klp_special/parameters/call
	grep -x 'livepatched static call second' $special && grep -x 'livepatched pointer second' $special
	status=$?
	echo 0 >/sys/module/klp_special/parameters/call
	return $status
}

# debug_line_on_demand() - whether the new function's pr_debug() is the livepatch's
debug_line_on_demand() {
	log_mark
	cat $special >/dev/null
	! log_says 'klp_special: shown' || return 1
	echo 'module livepatch_special +pm' >/sys/kernel/debug/dynamic_debug/control
	cat $special >/dev/null
	log_says 'klp_special: shown'
}

in_printk_index() {
	grep 'klp_special_show\.c:[0-9]* shown_show "klp_special: shown too often' \
		/sys/kernel/debug/printk/index/livepatch_special
}

# tracepoint_left_out() - whether the tracepoint of the module is not hit, and nothing else happens
tracepoint_left_out() {
	echo 1 >$tracing/events/klp_special/enable
	echo >$tracing/trace
	cat $special >/dev/null
	echo 0 >$tracing/events/klp_special/enable
	! grep klp_special_shown: $tracing/trace
}

# callbacks_called() - whether the log since log_mark has the four callbacks
callbacks_called() {
	local said
	said=$(log_since | sed -n 's/.*klp_callbacks: //p' | paste -s -d ,)
	echo "$said"
	[ "$said" = 'pre_patch vmlinux,post_patch vmlinux,pre_unpatch vmlinux,post_unpatch vmlinux' ]
}

# check_special(file) - load the livepatch of klp_special and use everything
check_special() {
	check 'special: the livepatch is loaded' load_livepatch "$1"
	check 'special: WARN() is found in the livepatch' warned shown_show livepatch_special
	check 'special: each function is patched' prints special "${after[special]}"
	check 'special: calls are switched' calls_switched
	check 'special: pr_debug() logs on demand' debug_line_on_demand
	check 'special: the index of printk() has the livepatch' in_printk_index
	check 'special: the tracepoint of the module is left out' tracepoint_left_out
	check 'special: the livepatch is removed' unload_livepatch livepatch-special
	check 'special: everything is as before' prints special "${before[special]}"
}

ktap_suite build 74
modprobe 8021q
insmod /klp/modules/klp_special.ko
check 'the kernel is as it was built' all_print before
check 'a livepatch of all patches with exact names is loaded' load_livepatch $built/exact/livepatch-all.ko
for patch in $patches; do
	check "$patch: is patched, with exact names" prints "$patch" "${after[$patch]}"
done
check 'the livepatch of all patches is removed' unload_livepatch livepatch-all
check_special $built/exact/livepatch-special.ko
check 'everything is as before' all_print before
modprobe klp_sympos
for patch in $patches; do
	check "$patch: the livepatch is loaded" load_livepatch "$built/livepatch-$patch.ko"
	check "$patch: is patched" prints "$patch" "${after[$patch]}"
	check "$patch: is removed" unload_livepatch "livepatch-$patch"
done
check_special $built/livepatch-special.ko
log_mark
check 'callbacks: the livepatch is loaded' load_livepatch $built/livepatch-callbacks.ko
check 'callbacks: the livepatch is removed' unload_livepatch livepatch-callbacks
check 'callbacks: each was called, in order' callbacks_called
check 'everything is as before, with klp_sympos' all_print before
