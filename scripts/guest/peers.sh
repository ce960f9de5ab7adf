# SPDX-License-Identifier: GPL-2.0
#
# Livepatches of one tool: each is loaded, the functions that it changes are executed, and it is removed. The names
# of the patches are the arguments.

. /klp/ktap.sh
. /klp/checks/patches.sh

# shellcheck disable=SC2034
after[single]=sit_livepatched
single() {
	unshare -n cat /proc/net/dev | grep -o 'sit[^:]*'
}

# All events of ACPI that are general purpose events; the guest has hardly any.
after[global]=many
global() {
	awk '{ print $1 < 1000 ? "few" : "many" }' /sys/firmware/acpi/interrupts/gpe_all
}

modprobe 8021q
modprobe sit
ktap_suite peers $(($# * 3))
for patch; do
	check "$patch loaded" load_livepatch "/klp/peers/livepatch-$patch.ko"
	check "$patch works" prints "$patch" "${after[$patch]}"
	check "$patch removed" unload_livepatch "livepatch-$patch"
done
