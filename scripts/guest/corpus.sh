# SPDX-License-Identifier: GPL-2.0
#
# Livepatches that klp-gen build made of the differences between two versions of the kernel: each is loaded, the
# kernel is used with it, and it is removed. A warning of the kernel fails the boot.

. /klp/ktap.sh

corpus=/klp/corpus

# use_kernel() - do a bit of everything that a boot without a disk has: tasks, pipes, files, mounts, sockets, proc, sysfs
use_kernel() {
	local directory=/tmp/used
	mkdir -p $directory
	mount -t tmpfs tmpfs $directory || return
	seq 1 2000 | sort -rn | tail -n 1 >$directory/file
	cp $directory/file $directory/copy
	ln $directory/copy $directory/hard
	mv $directory/copy $directory/moved
	cat $directory/* | grep -cx 1 >/tmp/lines
	umount $directory || return
	cat /proc/[0-9]*/{stat,status,maps} /proc/{meminfo,vmstat,interrupts,stat,modules,mounts,uptime} >/dev/null 2>&1
	cat /proc/net/{dev,tcp,udp,unix,route,snmp} >/dev/null 2>&1
	find /sys/devices /sys/fs /proc/sys -maxdepth 4 >/dev/null
	[ "$(cat /tmp/lines)" = 3 ]
}

modprobe klp_sympos
ktap_suite corpus $(($(wc -l <$corpus/list) * 3))
while read -r livepatch file modules; do
	for module in $modules; do
		modprobe "$module"
	done
	check "$file: the livepatch is loaded" load_livepatch "$corpus/$livepatch"
	check "$file: the kernel works" use_kernel
	check "$file: the livepatch is removed" unload_livepatch "$(basename "$livepatch" .ko)"
done <$corpus/list
