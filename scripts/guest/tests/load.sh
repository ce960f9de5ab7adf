# SPDX-License-Identifier: GPL-2.0
#
# Loads the module for the scripts that come after this one in the same boot.

. /klp/ktap.sh

ktap_suite load 1
check 'klp_sympos loads' modprobe klp_sympos
