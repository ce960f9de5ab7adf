// SPDX-License-Identifier: GPL-2.0
/* Patches functions with the longest names, and calls another one. */
#include <linux/livepatch.h>
#include <linux/module.h>

#include "../modules/klp_long.h"

/* Returns 2. KLP_SYMPOS() takes a name, not a macro that stands for one. */
extern int called(void) __asm__(".klp.sym.klp_long." CALLED ",0");

static int new_patched(void)
{
	return called() + 40;
}

static int new_promoted(void)
{
	return called() + 60;
}

static struct klp_func funcs[] = {
	{
		.old_name = PATCHED,
		.new_func = new_patched,
	},
	{
		.old_name = PROMOTED_ANY,
		.old_sympos = 1,
		.new_func = new_promoted,
	}, { }
};

static struct klp_object objs[] = {
	{
		.name = "klp_long",
		.funcs = funcs,
	}, { }
};

static struct klp_patch patch = {
	.mod = THIS_MODULE,
	.objs = objs,
};

static int livepatch_long_init(void)
{
	return klp_enable_patch(&patch);
}

static void livepatch_long_exit(void)
{
}

module_init(livepatch_long_init);
module_exit(livepatch_long_exit);
MODULE_DESCRIPTION("A livepatch of functions with long names, for the tests of klp_sympos");
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
