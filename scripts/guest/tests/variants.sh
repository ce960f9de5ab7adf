# SPDX-License-Identifier: GPL-2.0
#
# Livepatches that are good and bad in every way, first without klp_sympos and then with it: the kernel
# does and logs what `klp-gen check` predicted on the host. scripts/variants says which they are.

. /klp/ktap.sh

klp-guest variants /klp/variants /klp/modules/klp_twins.ko stock
without=$?
modprobe klp_sympos || exit 1
klp-guest variants /klp/variants /klp/modules/klp_twins.ko klp_sympos && exit $without
