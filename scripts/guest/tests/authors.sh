# SPDX-License-Identifier: GPL-2.0
#
# The livepatch of docs/livepatch-authors.md, built from the guide alone, the examples for callbacks,
# shadow variables, atomic replace, and Rust, and livepatches that were made with a module.

. /klp/ktap.sh

reboot_type=/sys/kernel/reboot/type
reboot_mode=/sys/kernel/reboot/mode
original=$(cat "$reboot_type")
original_mode=$(cat "$reboot_mode")

# says(file, line...) - whether the file has exactly these lines
says() {
	local file=$1
	shift
	diff <(printf '%s\n' "$@") "$file"
}

# The terminal whose fdinfo is read.
exec 3<>/dev/ttyS0
fdinfo=/proc/$$/fdinfo/3

# asked(name) - what the livepatch counted
asked() {
	sed -n "s/^$1:\t//p" "$fdinfo"
}

other_files_are_not_patched() {
	! grep -l livepatched /sys/class/tty/ttyS0/type /sys/class/thermal/*/type
}

in_time() {
	local now
	since=$(asked livepatch_since)
	now=$(cut -d . -f 1 /proc/uptime)
	echo "since $since, now $now"
	((since > 0 && since <= now && since > now - 60))
}

# A number that starts anew says that the ones before were freed.
counts_from() {
	local count
	count=$(asked "$1")
	echo "$count"
	[ "$count" = "$2" ]
}

only_livepatch() {
	[ "$(ls /sys/kernel/livepatch)" = "$1" ]
}

# rustc puts no call to __fentry__ into a function; clang does.
no_rust_function_is_traceable() {
	local traceable=/sys/kernel/tracing/available_filter_functions
	grep -q ' [tT] _R' /proc/kallsyms && grep -q '^schedule' "$traceable" && ! grep '^_R' "$traceable"
}

driver_value=/sys/module/klp_driver/parameters/value

loads_without_driver() {
	load_livepatch livepatch_driver && ! grep '^klp_driver ' /proc/modules
}

# Every line of the file is what the livepatch wrote.
uses_both() {
	[ "$(sort -u /proc/tty/ldiscs)" = "$1" ]
}

unloads_driver() {
	rmmod klp_driver
	! grep '^klp_driver ' /proc/modules
}

# cmdline(livepatch, command...) - load a livepatch of /proc/cmdline, run a command, and unload it
cmdline() {
	local livepatch=$1 status
	shift
	load_livepatch "$livepatch" && "$@"
	status=$?
	unload_livepatch "$livepatch" && return "$status"
}

# Other processes come and go meanwhile.
counts_inodes() {
	local counted
	counted=$(cut -d ' ' -f 1 /proc/cmdline)
	read -r known _ </proc/sys/fs/inode-nr
	echo "counted $counted, known $known"
	((counted > 0 && counted - known < 100 && known - counted < 100))
}

traces_rename() {
	local traced
	echo 1 >/sys/kernel/tracing/events/task/task_rename/enable
	cat /proc/cmdline
	echo 0 >/sys/kernel/tracing/events/task/task_rename/enable
	traced=$(grep -c 'task_rename:.*newcomm=livepatched' /sys/kernel/tracing/trace)
	[ "$traced" = 1 ]
}

asks_key() {
	says /proc/cmdline 'tracepoints are not printed'
}

of_two_files() {
	grep '^of two files: .*KLP_LINK=' /proc/cmdline
}

goes_on_from() {
	echo "$1"
	[ -n "$1" ] && [ "$(asked cumulative_since)" = "$1" ]
}

older_version_is_refused() {
	log_mark
	! modprobe livepatch_fdinfo && log_says 'is not compatible with the already installed livepatches'
}

ktap_suite authors 27
check 'guide: the livepatch loads' load_livepatch livepatch_reboot
check 'guide: the function of the file that is named is replaced' \
	says "$reboot_type" "$original_mode" "livepatched, type ${original:0:1}"
check 'guide: those of other files are not' other_files_are_not_patched
check 'guide: it is unloaded' unload_livepatch livepatch_reboot
check 'guide: per-cpu variables' cmdline livepatch_inodes counts_inodes
check 'guide: a tracepoint that is not exported' cmdline livepatch_rename traces_rename
check 'guide: a static key' cmdline livepatch_key asks_key
check 'guide: several files' cmdline livepatch_several of_two_files

check 'callbacks: the livepatch loads' load_livepatch livepatch_fdinfo
check 'callbacks: before patching, the time is remembered' in_time
check 'shadow variables: the second question is counted' counts_from livepatch_asked 2
check 'replace: the cumulative livepatch loads' load_livepatch livepatch_cumulative
check 'replace: it is the only one' wait_for only_livepatch livepatch_cumulative
check 'replace: it goes on counting' counts_from cumulative_asked 3
check 'states: it takes over what the one before it remembered' goes_on_from "$since"
rmmod livepatch_fdinfo
check 'states: an older version is refused' older_version_is_refused
unload_livepatch livepatch_cumulative >/dev/null
check 'the original is back' test "$(asked cumulative_asked)$(asked livepatch_asked)" = ''
load_livepatch livepatch_fdinfo >/dev/null
check 'callbacks: after unpatching, shadow variables were freed' counts_from livepatch_asked 1
unload_livepatch livepatch_fdinfo >/dev/null

check 'Rust: the livepatch loads' load_livepatch livepatch_rust
check 'Rust: the function of the file that is named is replaced' \
	says "$reboot_mode" "$original" "livepatched in Rust, tainted $(cat /proc/sys/kernel/tainted)"
unload_livepatch livepatch_rust >/dev/null
check 'Rust: it is unloaded, and the original is back' says "$reboot_mode" "$original_mode"
check 'Rust: functions of the kernel that are Rust are not traceable' no_rust_function_is_traceable

check 'made with a module: a livepatch of the module loads without it' loads_without_driver
modprobe klp-driver
check 'made with a module: the livepatch changes what the module has' says "$driver_value" 'livepatched 10'
load_livepatch livepatch-user >/dev/null
check 'made with a module: another one uses what both export' uses_both 'driver 1000'
unload_livepatch livepatch-user >/dev/null
unload_livepatch livepatch_driver >/dev/null
check 'made with a module: the original is back' says "$driver_value" 'original 11'
check 'made with a module: the module is unloaded' unloads_driver
