# SPDX-License-Identifier: GPL-2.0
#
# The same livepatches, converted with `klp-gen convert --policy exact`: they need no klp_sympos.

. /klp/ktap.sh
. /klp/checks/ldiscs.sh
. /klp/checks/twins.sh
. /klp/checks/long.sh

original=$(cat "$ldiscs")
# With the hash, if there is one.
name=$(awk '$3 ~ /^tty_ldiscs_seq_show(\.|$)/ { print $3 }' /proc/kallsyms)

not_loaded() {
	! grep '^klp_sympos ' /proc/modules
}

ktap_suite exact 22
check 'the livepatch loads' load_livepatch /klp/modules/exact/livepatch_ldiscs.ko
check 'without klp_sympos' not_loaded
check_ldiscs_patched "$name"
check_ldiscs_unpatched "$original"
insmod /klp/modules/klp_twins.ko
check_twins exact /klp/modules/exact/converted_twins.ko
check_long /klp/modules/exact/livepatch_long.ko
check 'klp_sympos was never loaded' not_loaded
