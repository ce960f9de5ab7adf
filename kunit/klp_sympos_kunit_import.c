// SPDX-License-Identifier: GPL-2.0
/*
 * What a Rust module cannot say yet: that it uses what is exported in a
 * namespace, here the walks over symbol tables.
 */
#include <linux/module.h>

/* MODULE_IMPORT_NS() takes a string from 6.13 on. */
MODULE_INFO(import_ns, "KLP_SYMPOS");
