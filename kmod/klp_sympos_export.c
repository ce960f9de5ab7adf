// SPDX-License-Identifier: GPL-2.0
/*
 * An export, which a Rust module cannot have, and parameters and the import of
 * a namespace, which module!() of Linux 6.12 cannot declare.
 */
#include <linux/cache.h>
#include <linux/export.h>
#include <linux/module.h>
#include <linux/moduleparam.h>

#include "klp_sympos_export.h"

/*
 * A livepatch with a name that only klp_sympos resolves has an undefined
 * reference to this symbol. modprobe then loads klp_sympos first, and it stays
 * as long as the livepatch is loaded. The number is the version of the rule:
 * with Rust and LTO there are no symbol versions (modversions) to tell it.
 */
const unsigned int klp_sympos_v1 = 1;
EXPORT_SYMBOL_GPL(klp_sympos_v1);

bool klp_sympos_livepatch __ro_after_init = true;
module_param_named(livepatch, klp_sympos_livepatch, bool, 0444);
MODULE_PARM_DESC(livepatch, "Look symbols up for livepatches (default: Y)");

bool klp_sympos_tracers __ro_after_init = true;
module_param_named(tracers, klp_sympos_tracers, bool, 0444);
MODULE_PARM_DESC(tracers, "Look names up for tracers that no symbol has (default: Y)");

/* MODULE_IMPORT_NS() takes a string from 6.13 on. */
MODULE_INFO(import_ns, "KLP_SYMPOS");
