// SPDX-License-Identifier: GPL-2.0
/*
 * What a Rust module cannot say yet: exports, and imports of a namespace.
 */
#include <linux/export.h>
#include <linux/module.h>

#include "klp_sympos_export.h"

/*
 * A livepatch with a name that only klp_sympos resolves has an undefined
 * reference to this symbol. modprobe then loads klp_sympos first, and it stays
 * as long as the livepatch is loaded. The number is the version of the rule:
 * Rust kernels have no symbol versions (modversions) that would tell.
 */
const unsigned int klp_sympos_v1 = 1;
EXPORT_SYMBOL_GPL(klp_sympos_v1);

MODULE_IMPORT_NS(KLP_SYMPOS);
