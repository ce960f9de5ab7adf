// SPDX-License-Identifier: GPL-2.0
/*
 * A livepatch of vmlinux and of a module, with a symbol of each. The variants
 * of scripts/variants change its functions, objects, symbols and sections.
 */
#include <linux/init.h>
#include <linux/klp_sympos.h>
#include <linux/livepatch.h>
#include <linux/module.h>

extern char vmlinux_symbol[] KLP_SYMPOS(vmlinux, saved_command_line, 1);
extern char twins_symbol[] KLP_SYMPOS(klp_twins, base, 1);

static unsigned long where = (unsigned long)vmlinux_symbol;
module_param(where, ulong, 0400);
MODULE_PARM_DESC(where, "The address of the symbol of vmlinux");

static unsigned long where_in_twins = (unsigned long)twins_symbol;
module_param(where_in_twins, ulong, 0400);
MODULE_PARM_DESC(where_in_twins, "The address of the symbol of klp_twins");

static int nothing(void)
{
	return 0;
}

static struct klp_func funcs[] = {
	{ .old_name = "cmdline_proc_show", .new_func = nothing, },
	{ .old_name = "event_show", .old_sympos = 2, .new_func = nothing, },
	{ }
};

static struct klp_func twins_funcs[] = {
	{ .old_name = "twin", .new_func = nothing, },
	{ }
};

static struct klp_object objs[] = {
	{ .funcs = funcs, },
	{ .name = "klp_twins", .funcs = twins_funcs, },
	{ }
};

static struct klp_patch patch = {
	.mod = THIS_MODULE,
	.objs = objs,
};

static int livepatch_init(void)
{
	return klp_enable_patch(&patch);
}

static void livepatch_exit(void)
{
}

module_init(livepatch_init);
module_exit(livepatch_exit);
MODULE_DESCRIPTION("A livepatch of two objects, for the tests of klp_sympos");
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
