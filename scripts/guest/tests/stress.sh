# SPDX-License-Identifier: GPL-2.0
#
# Loads and unloads the module while names are looked up on the other CPU. lockdep and the checks for
# sleeping where that is wrong are on; what they find fails the boot.

. /klp/ktap.sh

# A name that only the module finds, so that each lookup shows whether it was there.
if suffix_reduced; then
	# No function of vmlinux has a suffix.
	insmod /klp/modules/klp_promoted.ko
	object=klp_promoted
	name=klp_promoted_show
else
	object=vmlinux
	# One that a kprobe may be put on.
	name=$(klp-guest promoted --unique | awk '
		NR == FNR { refused[$2]; next }
		!($2 in refused) { print $1; exit }' /sys/kernel/debug/kprobes/blacklist -)
fi

ktap_suite stress 2
check 'a promoted function has a name of its own' test -n "$name"
check '200 times loaded and unloaded under lookups' klp-guest stress klp_sympos \
	--object "$object" --name "$name" --refused /klp/modules/refused_position.ko --cycles 200
sed 's/^/# /' "$ktap_said"
