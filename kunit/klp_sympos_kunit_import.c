// SPDX-License-Identifier: GPL-2.0
/*
 * The import of the namespace in which the walks over symbol tables are
 * exported: module!() of Linux 6.12 cannot declare one.
 */
#include <linux/module.h>

/* MODULE_IMPORT_NS() takes a string from 6.13 on. */
MODULE_INFO(import_ns, "KLP_SYMPOS");
