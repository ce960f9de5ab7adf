# SPDX-License-Identifier: GPL-2.0
#
# A livepatch that knows nothing of klp_sympos does the same with it and without it.

. /klp/ktap.sh

# observe() - everything that can be seen of livepatch-sample, from loading to unloading
observe() {
	log_mark
	load_livepatch livepatch-sample || return 1
	find /sys/kernel/livepatch | sort
	cat /proc/cmdline
	unload_livepatch livepatch-sample || return 1
	cat /proc/cmdline
	log_since | sed 's/^\[[ 0-9.]*\] //' |
		grep -e livepatch -e klp | grep -v taint
}

observed_alike() {
	diff /tmp/without /tmp/with && grep -q 'this has been live patched' /tmp/with
}

not_pinned() {
	rmmod klp_sympos && ! grep '^klp_sympos ' /proc/modules
}

ktap_suite stock 4
observe >/tmp/without
modprobe klp_sympos
observe >/tmp/with
check 'something was observed' test "$(wc -l </tmp/without)" -gt 10
check 'a stock livepatch behaves alike' observed_alike
check 'klp_sympos logs nothing' test "$(dmesg | grep -c 'klp_sympos:')" = 0
check 'klp_sympos can go, since nothing relied on it' not_pinned
