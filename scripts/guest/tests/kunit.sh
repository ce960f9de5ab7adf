# SPDX-License-Identifier: GPL-2.0
#
# KUnit runs the suites when their module is loaded, and its loading succeeds whatever they find:
# debugfs has the results.

modprobe klp_sympos_kunit || exit
cat /sys/kernel/debug/kunit/*/results
rmmod klp_sympos_kunit
