// SPDX-License-Identifier: GPL-2.0
/*
 * A livepatch that patches nothing: its parameter shows where a livepatch symbol
 * is. The variants of scripts/variants change the symbol.
 */
#include <linux/init.h>
#include <linux/klp_sympos.h>
#include <linux/module.h>

extern char symbol[] KLP_SYMPOS(vmlinux, saved_command_line, 1);

static unsigned long where = (unsigned long)symbol;
module_param(where, ulong, 0400);
MODULE_PARM_DESC(where, "The address of the symbol");

static int __init variant_symbol_init(void)
{
	return 0;
}

static void __exit variant_symbol_exit(void)
{
}

module_init(variant_symbol_init);
module_exit(variant_symbol_exit);
MODULE_DESCRIPTION("A livepatch symbol, for the tests of klp_sympos");
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
