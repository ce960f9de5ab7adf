# SPDX-License-Identifier: GPL-2.0
#
# A cumulative livepatch takes over from livepatches that call the function by another name. The
# transition is held open by a task that stays in a patched function; what this task sees of the function,
# and what all others see, has to change once, and never to be the original.

. /klp/ktap.sh

ldiscs=/proc/tty/ldiscs
target=/proc/klp_target
held=/sys/module/klp_held/parameters
# How often each side has to look while the transition is open.
enough=50

# load(module, parameter...) - load one of the livepatches livepatch_MODULE and wait for its transition
load() {
	insmod "/klp/modules/livepatch_$1.ko" "${@:2}" && wait_for livepatch_settled "livepatch_$1"
}

# watch(name, file) - have a process read the file all the time, until the file /tmp/NAME.end exists
watch() {
	rm -f "/tmp/$1.begin" "/tmp/$1.end"
	klp-guest watch "$2" --begin "/tmp/$1.begin" --end "/tmp/$1.end" >"/tmp/$1" &
	watchers[$1]=$!
	wait_for test -e "/tmp/$1.begin"
}
declare -A watchers

# watched(name) - end it
watched() {
	touch "/tmp/$1.end"
	wait "${watchers[$1]}"
}

# looked(n) - whether the held task looked so often
looked() {
	[ "$(cat "$held/times")" -ge "$1" ]
}

# hold(file) - have a task look at the file within the function held_read()
hold() {
	insmod /klp/modules/klp_held.ko "file=$1"
	cat /proc/klp_held >/tmp/held &
	watchers[held]=$!
	wait_for looked "$enough"
}

# in_transition(module) - whether its transition has not ended while the held task looked some more
in_transition() {
	wait_for looked $(($(cat "$held/times") + enough)) &&
		[ "$(cat "/sys/kernel/livepatch/livepatch_$1/transition")" = 1 ]
}

# released(module) - let the task go, and wait for the livepatch's transition
released() {
	echo 1 >"$held/released"
	wait "${watchers[held]}" && wait_for livepatch_settled "livepatch_$1"
}

# saw(name, answer...) - whether the answers were these, in this order, each of them often
saw() {
	cat "/tmp/$1"
	diff <(cut -d ' ' -f 1 "/tmp/$1") <(printf '%s\n' "${@:2}") &&
		awk -v enough="$enough" '$2 < enough { exit 1 }' "/tmp/$1"
}

# patches(function...) - whether this is what the new livepatch patches, as sysfs has it
patches() {
	diff <(cd /sys/kernel/livepatch/livepatch_second && printf '%s\n' */*/ | sed 's:.*/\(.*\)/:\1:' | sort) \
		<(printf '%s\n' "$@")
}

# replace(file, parameter...) - have livepatch_second replace what is loaded, while the file is watched
replace() {
	watch whole "$1"
	hold "$1"
	insmod /klp/modules/livepatch_second.ko hold=1 replace=1 "${@:2}"
}

# gone(livepatch...) - unload what was replaced, and the new one
gone() {
	local name
	for name in "$@"; do rmmod "livepatch_$name"; done
	unload_livepatch livepatch_second
	rmmod klp_held
}

# replaces(title, file, parameter...) - five cases: the same, until the transition ends
replaces() {
	local title=$1 file=$2
	replace "${@:2}"
	watch window "$file"
	check "$title: the transition is open" in_transition second
	watched window
	check "$title: a task that is patched sees the new function" saw window second
	check "$title: it ends" released second
	check "$title: a task that is not patched sees the replaced one" saw held first
	watched whole
	check "$title: everybody sees one change" saw whole first second
	gone first
}

# comes_and_goes() - whether the target module can be loaded, unloaded and loaded within the transition
comes_and_goes() {
	insmod /klp/modules/klp_target.ko && in_transition second &&
		rmmod klp_target && in_transition second &&
		insmod /klp/modules/klp_target.ko && in_transition second
}

# reversed() - take livepatch_second back in the middle of its transition
reversed() {
	in_transition second || return 1
	echo 0 >/sys/kernel/livepatch/livepatch_second/enabled
	wait_for looked $(($(cat "$held/times") + enough))
	echo 1 >"$held/released"
	wait "${watchers[held]}" && wait_for livepatch_gone livepatch_second
}

# A function that was promoted, what it prints, and how it may be called.
if suffix_reduced; then
	printed=$target
	function=(objname=klp_target old_name=target_show)
	any=(objname=klp_target 'old_name=target_show.llvm.*' old_sympos=1)
	promoted=(objname=klp_target old_name=target_show.llvm.900)
else
	printed=$ldiscs
	function=(old_name=tty_ldiscs_seq_show)
	any=('old_name=tty_ldiscs_seq_show.llvm.*' old_sympos=1)
	promoted=(old_name="$(klp-guest promoted --unique | awk '$1 == "tty_ldiscs_seq_show" { print $2 }')")
fi
hashed=(objname=klp_target old_name=target_show.llvm.900)
plain=(objname=klp_target old_name=target_show)
alias=(objname=klp_target old_name=target_alias)

ktap_suite replace 39

insmod /klp/modules/klp_target.ko
check 'stock: a livepatch of a function with two names' load first "${hashed[@]}"
replaces 'stock, by an alias' "$target" "${alias[@]}"

# Two livepatches call it differently, and the new one leaves it alone.
load first "${hashed[@]}"
check 'stock: another by the alias' load third "${alias[@]}"
replace "$target"
check 'reverted: there is one nop for both' patches held_read,1 target_alias,1
watch window "$target"
check 'reverted: the transition is open' in_transition second
watched window
check 'reverted: a task that is patched sees the original' saw window original
check 'reverted: it ends' released second
check 'reverted: a task that is not patched sees the replaced one' saw held third
watched whole
check 'reverted: everybody sees one change' saw whole third original
gone first third

load first "${hashed[@]}"
replace "$target" "${alias[@]}"
check 'taken back: the new livepatch is gone' reversed
check 'taken back: a task that was not patched saw no change' saw held first
watched whole
check 'taken back: everybody else saw the new function meanwhile' saw whole first second first
rmmod livepatch_second
rmmod klp_held
unload_livepatch livepatch_first
rmmod klp_target

modprobe klp_sympos
if suffix_reduced; then insmod /klp/modules/klp_target.ko; fi
check 'hand-written: a livepatch without a dependency on klp_sympos' load first "${function[@]}"
check_fails 'hand-written: klp_sympos cannot be removed' 'in use' rmmod klp_sympos
replaces 'plain to star' "$printed" "${any[@]}"
load first "${any[@]}"
replaces 'star to hash' "$printed" "${promoted[@]}"
load first "${promoted[@]}"
replaces 'hash to plain' "$printed" "${function[@]}"
if suffix_reduced; then rmmod klp_target; fi

# The object is loaded later: the functions are known only in the middle of the transition.
check 'later: a livepatch of a module that is not loaded' load first "${hashed[@]}"
replace "$target" "${plain[@]}"
check 'later: the module comes, goes, and comes again' comes_and_goes
check 'later: there is no nop' patches held_read,1 target_show,1
check 'later: the transition ends' released second
check 'later: a task that is not patched sees the replaced function' saw held absent first absent first
watched whole
check 'later: everybody else sees the new one' saw whole absent second absent second
gone first
