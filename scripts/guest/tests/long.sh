# SPDX-License-Identifier: GPL-2.0
#
# Names of 511 bytes, the most that kallsyms takes; one of them has a promotion suffix, and its cleaned name
# just leaves room for `.llvm.*`.

. /klp/ktap.sh
. /klp/checks/long.sh

# lengths() - those of the long names, without the symbols that kCFI puts before functions
lengths() {
	awk '$4 == "[klp_long]" && length($3) > 500 && $3 !~ /^__cfi_/ { print length($3) }' /proc/kallsyms | sort | xargs
}

# refused_silently(livepatch) - whether loading fails without a word of livepatch
refused_silently() {
	log_mark
	! insmod "/klp/modules/$1.ko" && ! log_says 'livepatch: '
}

ktap_suite long 8
insmod /klp/modules/klp_long.ko
check 'kallsyms has the names, and cuts that of 512 bytes' test "$(lengths)" = '511 511 511 511'
check '512 bytes: the livepatch is refused' refused_silently refused_long
modprobe klp_sympos
check '512 bytes: the livepatch is refused by klp_sympos too' refused_silently refused_long
rmmod klp_long
check_long /klp/modules/livepatch_long.ko
