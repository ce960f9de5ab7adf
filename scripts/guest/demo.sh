# SPDX-License-Identifier: GPL-2.0
#
# What `cargo xtask demo` shows in the guest. klp-gen made and checked the livepatches on the host.

set -u
failed=0

say() {
	printf '\n# %s\n' "$1"
}

# show(command) - print a command, then run it
show() {
	printf '$ %s\n' "$1"
	eval "$1"
}

# must(yes|no, command) - show a command and say what its success means
must() {
	local wanted=$1 got=yes
	show "$2" 2>&1 || got=no
	if [ "$got" != "$wanted" ]; then
		echo "!! expected the opposite"
		failed=1
	fi
}

settled() {
	while [ "$(cat "/sys/kernel/livepatch/$1/transition" 2>/dev/null)" = 1 ]; do sleep 0.1; done
}

gone() {
	while [ -e "/sys/kernel/livepatch/$1" ]; do sleep 0.1; done
}

last_words() {
	dmesg | grep -E 'livepatch: |klp_sympos: |Unknown symbol' | tail -n "$1" | sed 's/^\[[ 0-9.]*\] /  /'
}

say "$(uname -sr), built with ThinLTO: a static function and a static variable have a hash in their names."
show "grep -E ' (tty_ldiscs_seq_show|tainted_mask)(\.|$)' /proc/kallsyms"

say 'Without klp_sympos nobody finds them by the names that they have in the source.'
must no 'echo "p:demo tty_ldiscs_seq_show" > /sys/kernel/tracing/kprobe_events'
must no 'insmod /klp/modules/refused_any.ko'
last_words 1
must no 'insmod /klp/modules/needs_klp_sympos.ko'
last_words 1

say 'A source patch of this function became a livepatch: klp-gen build promoted.patch -o livepatch-promoted.ko'
show 'grep "^[-+]" /klp/demo/promoted.patch'
must yes 'modprobe klp_sympos'
must yes 'insmod /klp/demo/livepatch-promoted.ko'
settled livepatch_promoted
must yes 'grep -E "n_tty +0 same" /proc/tty/ldiscs'
must yes 'echo 0 > /sys/kernel/livepatch/livepatch_promoted/enabled'
gone livepatch_promoted
must no 'grep same /proc/tty/ldiscs'
must yes 'rmmod livepatch_promoted klp_sympos'

say 'A livepatch in C that klp-gen converted: modprobe loads klp_sympos first.'
show 'cat /proc/tty/ldiscs'
must yes 'modprobe livepatch_ldiscs'
settled livepatch_ldiscs
must yes 'grep -E "^(klp_sympos|livepatch_ldiscs) " /proc/modules'
must yes 'grep -x livepatched /proc/tty/ldiscs'
show 'cat /proc/tty/ldiscs'
say 'It read a promoted variable and a static local, and called the third of several statics:'
show 'cat /proc/sys/kernel/tainted; ls -d /sys/class/input/input* | sort -V | tail -n 1'
show "grep ' event_show$' /proc/kallsyms | head -n 3"
must yes 'echo 0 > /sys/kernel/livepatch/livepatch_ldiscs/enabled'
gone livepatch_ldiscs
must yes 'grep n_tty /proc/tty/ldiscs'

say 'Tracers find the function too.'
must yes 'echo "p:demo tty_ldiscs_seq_show" > /sys/kernel/tracing/kprobe_events'
show 'echo 1 > /sys/kernel/tracing/events/kprobes/demo/enable; cat /proc/tty/ldiscs > /dev/null'
must yes 'grep -m 2 "demo:" /sys/kernel/tracing/trace'
show 'echo 0 > /sys/kernel/tracing/events/kprobes/demo/enable; echo > /sys/kernel/tracing/kprobe_events'

say 'What is ambiguous stays refused, and the log says what there is to choose from.'
must no 'insmod /klp/modules/refused_ambiguous.ko'
last_words 10

say 'Root may ask, through debugfs.'
show 'exec 3<>/sys/kernel/debug/klp_sympos/query; echo "init_once.llvm.*,2" >&3; cat <&3; exec 3>&-'

exit $failed
