# SPDX-License-Identifier: GPL-2.0
#
# A livepatch that needs an answer of klp_sympos keeps the module loaded, also if its author forgot the
# dependency: as long as the livepatch is loaded, and no longer.

. /klp/ktap.sh

livepatches=/klp/modules
# A function of klp_target, by a name that only klp_sympos understands.
any=(objname=klp_target 'old_name=target_show.llvm.*' old_sympos=1)
exact=(objname=klp_target old_name=target_show.llvm.900)

# load(module, parameter...) - load one of the livepatches livepatch_MODULE and wait for its transition
load() {
	insmod "$livepatches/livepatch_$1.ko" "${@:2}" && wait_for livepatch_settled "livepatch_$1"
}

# held_by(name...) - whether klp_sympos is used by these and nobody else, in /proc/modules and in sysfs
held_by() {
	local count users holders
	read -r count users < <(awk '$1 == "klp_sympos" { print $3, $4 }' /proc/modules)
	users=$(tr ',-' '\n' <<<"$users" | sort | xargs)
	holders=$(ls /sys/module/klp_sympos/holders | xargs)
	echo "used by $count: $users; holders: $holders"
	[ "$count" = $# ] && [ "$users" = "$*" ] && [ "$holders" = "$*" ]
}

# logged(n) - whether the log says n times since log_mark that a livepatch keeps klp_sympos
logged() {
	log_since | grep "keeps module 'klp_sympos' loaded" >/tmp/said
	cat /tmp/said
	[ "$(wc -l </tmp/said)" = "$1" ]
}

free_to_go() {
	held_by && rmmod klp_sympos && modprobe klp_sympos
}

refused_after_an_answer() {
	! insmod "$livepatches/refused_after.ko" && free_to_go
}

ktap_suite held 19
modprobe klp_sympos
check 'a livepatch that is refused after an answer holds nothing' refused_after_an_answer

log_mark
check 'later: a livepatch of a module that is not loaded' load first "${any[@]}"
check 'later: holds nothing yet' free_to_go
insmod /klp/modules/klp_target.ko
check 'later: it is patched when the module comes' grep -qx first /proc/klp_target
check 'later: and holds klp_sympos' held_by livepatch_first
check 'later: the log says who holds it, and for what' \
	log_says "livepatch: 'livepatch_first' keeps module 'klp_sympos' loaded, which finds symbol 'target_show.llvm.*' for it"
check_fails 'later: klp_sympos cannot be removed' 'in use' rmmod klp_sympos
rmmod klp_target
check 'later: still when the module is gone' held_by livepatch_first
insmod /klp/modules/klp_target.ko
check 'later: and when it comes again' held_by livepatch_first
check 'later: which is said once' logged 1

check 'cumulative: it holds klp_sympos as well' load second "${any[@]}" replace=1
check 'cumulative: with the replaced one' held_by livepatch_first livepatch_second
rmmod livepatch_first
check 'cumulative: alone, when that is unloaded' held_by livepatch_second
check 'cumulative: which was said of each' logged 2
unload_livepatch livepatch_second
check 'klp_sympos can go when they are unloaded' free_to_go

log_mark
load first "${exact[@]}"
check 'a livepatch by exact names holds nothing' free_to_go
check 'and nothing is said' logged 0
unload_livepatch livepatch_first

load first "${any[@]}"
echo 0 >/sys/kernel/livepatch/livepatch_first/enabled
wait_for livepatch_gone livepatch_first
check 'disabled: it holds klp_sympos until it is unloaded' held_by livepatch_first
rmmod livepatch_first
check 'disabled: and not longer' free_to_go
