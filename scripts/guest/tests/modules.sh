# SPDX-License-Identifier: GPL-2.0
#
# Symbols of a module: positions count in the order of its symbol table.

. /klp/ktap.sh
. /klp/checks/twins.sh

debugfs=/sys/kernel/debug/klp_sympos

# ask(question, file) - what debugfs answers, by default to a livepatch
ask() {
	exec 3<>"$debugfs/${2:-query}"
	echo "$1" >&3
	cat <&3
	exec 3>&-
}

each_by_its_position() {
	local n
	for n in 1 2 3; do
		ask "klp_twins:twin.llvm.*,$n" | tee /dev/stderr |
			grep -x "resolved $(twins | sed -n "${n}p") $n/3 klp_twins" || return 1
	done
}

exact_wins() {
	ask klp_twins:twin | tee /dev/stderr | grep -q '^resolved [0-9a-f]* twin 1/1 klp_twins$'
}

ambiguous_lists_all() {
	ask 'klp_twins:twin.llvm.*' >/tmp/answer
	cat /tmp/answer
	diff /tmp/answer <(echo 'ambiguous 3'; twins | cat -n | sed 's/^ *//; s/\t/ /')
}

# tracer_gets(question, line) - whether debugfs answers a tracer with this line
tracer_gets() {
	ask "$1" tracer_query | tee /dev/stderr | grep -x "$2"
}

# traced_name(name) - the full name of what a tracer gets, by the line of shell in docs/tracing.md
traced_name() {
	{ echo "$1" >&3 && awk '$1 == "resolved" { print $3; found = 1; next } { print >"/dev/stderr" } END { exit !found }' <&3; } 3<>/sys/kernel/debug/klp_sympos/tracer_query
}

# full_name_is(name, full) - whether nothing but this full name is on stdout
full_name_is() {
	local name
	name=$(traced_name "$1" 2>/tmp/error)
	echo "$name"
	cat /tmp/error
	[ "$name" = "$2" ] && [ ! -s /tmp/error ]
}

promoted_by_its_source_name() {
	local full status
	insmod /klp/modules/klp_promoted.ko || return 1
	# klp_twins has one of this name as well.
	full=$(awk '$4 == "[klp_promoted]" && $3 ~ /^klp_promoted_show\.llvm\./ { print $3 }' /proc/kallsyms)
	full_name_is klp_promoted:klp_promoted_show "$full"
	status=$?
	rmmod klp_promoted
	return $status
}

# no_full_name(name, text) - whether stdout is empty, and this is in the first line on stderr
no_full_name() {
	local name
	name=$(LC_ALL=C traced_name "$1" 2>/tmp/error) && return 1
	cat /tmp/error
	[ -z "$name" ] && head -n 1 /tmp/error | grep -qF "$2"
}

another_build_is_for_tracers() {
	[ "$(ask klp_twins:twin.llvm.5)" = 'not-found 0' ] || return 1
	ask twin.llvm.5 tracer_query >/tmp/answer
	cat /tmp/answer
	diff /tmp/answer <(echo 'ambiguous 3'; twins | cat -n | sed 's/^ *//; s/\t/ /; s/$/ klp_twins/')
}

# lists_64_at_most() - whether the longest list there is stops after 64 candidates and says how many are left
lists_64_at_most() {
	local matches name
	read -r matches name < <(awk 'NF == 3 { print $3 }' /proc/kallsyms | sort | uniq -c | sort -n | tail -n 1)
	ask "$name" >/tmp/answer
	cat /tmp/answer
	((matches > 64)) && diff /tmp/answer <(
		echo "ambiguous $matches"
		awk -v name="$name" 'NF == 3 && $3 == name { print ++n, $1, $3 }' /proc/kallsyms | head -n 64
		echo "and $((matches - 64)) more"
	)
}

# hidden() - whether debugfs shows no address where /proc/kallsyms shows none
hidden() {
	local old
	old=$(cat /proc/sys/kernel/kptr_restrict)
	echo 2 >/proc/sys/kernel/kptr_restrict
	ask klp_twins:twin >/tmp/answer
	ask 'klp_twins:twin.llvm.*' >>/tmp/answer
	echo "$old" >/proc/sys/kernel/kptr_restrict
	cat /tmp/answer
	grep -q '^resolved 0000000000000000 twin 1/1' /tmp/answer && ! grep ' ffffffff' /tmp/answer
}

# rejected(question, file)
rejected() {
	exec 3<>"$debugfs/${2:-query}"
	local status=0
	if echo "$1" >&3; then status=1; fi 2>/dev/null
	exec 3>&-
	return $status
}

ktap_suite modules 32
modprobe klp_sympos
insmod /klp/modules/klp_twins.ko
check 'the twins do their own work' test "$(cat /sys/module/klp_twins/parameters/twin)" = '1 2 3'
check 'debugfs: each twin by its position' each_by_its_position
check 'debugfs: an exact name wins' exact_wins
check 'debugfs: an ambiguous name lists its candidates' ambiguous_lists_all
check 'debugfs: of many candidates it lists 64' lists_64_at_most
check 'debugfs: no addresses for whom /proc/kallsyms hides them' hidden
check 'debugfs: a name of 512 bytes is rejected' rejected "$(printf 'a%.0s' {1..512})"
check 'debugfs: a position that is no number is rejected' rejected 'twin,x'
check 'debugfs: a tracer gets an exact name of any module' tracer_gets twin '^resolved [0-9a-f]* twin 1/1 klp_twins'
check 'debugfs: and of one module' tracer_gets klp_twins:twin.llvm.100 \
	'^resolved [0-9a-f]* twin\.llvm\.100 1/1 klp_twins'
check 'debugfs: a hash of another build is for tracers' another_build_is_for_tracers
check 'debugfs: a tracer does not find what nobody has' tracer_gets no_such_function 'not-found 0'
# klp_twins has a promoted one as well.
check 'debugfs: a tracer that asks vmlinux alone' tracer_gets vmlinux:tty_ldiscs_seq_show \
	'resolved [0-9a-f]* tty_ldiscs_seq_show\(\.llvm\.[0-9a-f]*\)\? 1/1 vmlinux'
check 'debugfs: does not get what a module has' tracer_gets vmlinux:twin 'not-found 0'
check 'debugfs: a tracer has no positions' rejected twin,1 tracer_query
check 'a line of shell: the full name of a promoted function' promoted_by_its_source_name
check 'a line of shell: nothing on stdout for an ambiguous name' no_full_name twin.llvm.5 'ambiguous 3'
check 'a line of shell: nothing on stdout for a name that nobody has' no_full_name no_such_function 'not-found 0'
check 'a line of shell: nothing on stdout for a question that is none' no_full_name twin,1 \
	'Invalid argument'
check 'debugfs: the rule in words' grep -q '^policy: llvm$' "$debugfs/policy"

check_twins hand-written /klp/modules/livepatch_twins.ko
check_twins converted /klp/modules/converted_twins.ko
