# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Prints KTAP from a test script in the guest:
#
#	. /klp/ktap.sh
#	ktap_suite smoke 2
#	check 'the file exists' test -e /proc/kallsyms
#	check 'it has a first line' first_line
#
# A script prints its plan first, so that one which dies is noticed by what is missing.

ktap_count=0
ktap_said=/tmp/ktap.$$

# ktap_suite(name, cases) - begin the suite and announce how many cases it has
ktap_suite() {
	printf 'KTAP version 1\n# Subtest: %s\n1..%d\n' "$1" "$2"
}

# check(name, command...) - a case that passes if the command or function succeeds
check() {
	local name=$1
	shift
	if "$@" >"$ktap_said" 2>&1; then
		ktap_result ok "$name"
	else
		ktap_diagnose "\`$*\` ended with status $?"
		ktap_result 'not ok' "$name"
	fi
}

# check_fails(name, text, command...) - a case that passes if the command fails and says the text
check_fails() {
	local name=$1 text=$2
	shift 2
	if "$@" >"$ktap_said" 2>&1; then
		ktap_diagnose "\`$*\` succeeded"
		ktap_result 'not ok' "$name"
	elif ! grep -qF -- "$text" "$ktap_said"; then
		ktap_diagnose "\`$*\` did not say \`$text\`"
		ktap_result 'not ok' "$name"
	else
		ktap_result ok "$name"
	fi
}

# ktap_result(ok|not ok, name) - print the result of the next case
ktap_result() {
	ktap_count=$((ktap_count + 1))
	printf '%s %d - %s\n' "$1" "$ktap_count" "$2"
}

# ktap_diagnose(reason) - print why the next case fails and what its command said
ktap_diagnose() {
	printf '# %s\n' "$1"
	sed 's/^/# /' "$ktap_said"
}

# suffix_reduced() - whether the kernel keeps the names of what was promoted: KLP_LINK is a parameter of
# its command line
suffix_reduced() {
	[ "$KLP_LINK" = suffix-reduction ]
}

# log_mark() - remember the end of the kernel's log
log_mark() {
	klp_log_mark=$(dmesg | wc -l)
}

# log_since() - print what the kernel logged since log_mark
log_since() {
	dmesg | tail -n "+$((klp_log_mark + 1))"
}

# log_says(text) - whether the kernel logged the text since log_mark
log_says() {
	log_since | tee /dev/stderr | grep -qF -- "$1"
}

# wait_for(command...) - try for forty seconds
wait_for() {
	local tries
	for ((tries = 0; tries < 400; tries++)); do
		"$@" && return 0
		sleep 0.1
	done
	echo "not within 40 seconds: $*"
	return 1
}

# livepatch_settled(module) - whether the livepatch is in no transition
livepatch_settled() {
	[ "$(cat "/sys/kernel/livepatch/$1/transition" 2>/dev/null)" = 0 ]
}

# livepatch_gone(module) - whether the livepatch is disabled and out of sysfs
livepatch_gone() {
	[ ! -e "/sys/kernel/livepatch/$1" ]
}

# load_livepatch(module or file) - load it and wait until every task has changed over
load_livepatch() {
	local name
	name=$(basename "$1" .ko)
	name=${name//-/_}
	if [ -f "$1" ]; then insmod "$1"; else modprobe "$1"; fi && wait_for livepatch_settled "$name"
}

# unload_livepatch(module) - disable it, wait until every task has changed back, and remove it
unload_livepatch() {
	local name=${1//-/_}
	echo 0 >"/sys/kernel/livepatch/$name/enabled" && wait_for livepatch_gone "$name" && rmmod "$name"
}
