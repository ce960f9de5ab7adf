# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Commands that show the effect of the source patches in scripts/fixtures/patches, whoever made a livepatch of them.

tracing=/sys/kernel/tracing
boot_id=/proc/sys/kernel/random/boot_id

# Each patch has a function here, which executes what the patch changes and prints what comes of it, and the two
# texts that it may print.
declare -A before after

before[string]=little
after[string]='little, livepatched'
string() {
	cat /sys/kernel/cpu_byteorder
}

# The new code compares its own address with the one that the kernel took before: a pointer to a function stays
# the same.
before[promoted]='n_tty       0'
after[promoted]='n_tty       0 same'
promoted() {
	grep '^n_tty ' /proc/tty/ldiscs
}

# number(field) - print whether that number of inodes is one that fits into the memory of the guest
number() {
	awk -v field="$1" '{ print $field < 1000000000 ? "few" : "many" }' /proc/sys/fs/inode-nr
}

before[inlined]=few
after[inlined]=many
inlined() {
	number 1
}

before[percpu]=few
after[percpu]=many
percpu() {
	number 2
}

# Both variables are __ro_after_init.
line=$(cat /proc/cmdline)
before[after_init]=$line
after[after_init]="${#line} $line"
after_init() {
	cat /proc/cmdline
}

# The new static local counts, and the lock and the identity are those of the kernel. cat reads a second time, for the
# end of the file.
id=$(cat $boot_id)
upper=${id^^}
before[static_local]="$id $id"
after[static_local]="1${upper:1} 3${upper:1}"
static_local() {
	echo "$(cat $boot_id) $(cat $boot_id)"
}

# The kernel's own variable says from here on that it is quiet. The livepatch has another one of its name, which says so
# when the livepatch has printed its message.
echo 4 >/proc/sys/vm/drop_caches
before[namesake]='0 0'
after[namesake]='1 0'
namesake() {
	log_mark
	echo 3 >/proc/sys/vm/drop_caches
	echo "$(log_since | grep -c 'everything is dropped') $(log_since | grep -c 'drop_caches: 3')"
}

before[new]=' '
after[new]='first read second read'
new() {
	echo "$(sed 1d /proc/uptime) $(sed 1d /proc/uptime)"
}

# A task gives itself a name, and the kernel traces that.
before[tracepoint]='klp_before newcomm=klp_before'
after[tracepoint]='klp_after newcomm=klp_after'
tracepoint() {
	echo >$tracing/trace
	echo 1 >$tracing/events/task/task_rename/enable
	local name
	# A builtin reads it: a program that bash starts last takes the place of bash.
	# shellcheck disable=SC2016
	name=$(bash -c 'printf klp_before >/proc/$$/comm; read -r name </proc/$$/comm; echo "$name"')
	echo 0 >$tracing/events/task/task_rename/enable
	echo "$name $(grep -o 'newcomm=klp_[a-z]*' $tracing/trace)"
}

mkdir /tmp/directory
touch /tmp/directory/klp_hidden /tmp/directory/klp_shown
before[fault]='klp_hidden klp_shown'
after[fault]=klp_shown
fault() {
	echo "$(echo /tmp/directory/* | sed 's,/tmp/directory/,,g')"
}

before[header]=short
after[header]=long
header() {
	awk 'NR == 1 { print $1 < 1000000 ? "short" : "long" }' /proc/uptime
}

before[module]='VLAN Dev name	 | VLAN ID'
after[module]='VLAN Dev name	 | VLAN ID (livepatched)'
module() {
	head -n 1 /proc/net/vlan/config
}

# prints(patch, text) - whether what the patch changes prints that
prints() {
	local said
	said=$("$1")
	echo "printed: $said"
	echo "expected: $2"
	[ "$said" = "$2" ]
}
