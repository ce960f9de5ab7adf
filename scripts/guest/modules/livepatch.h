/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A livepatch of one function: OBJNAME (NULL for vmlinux), OLD_NAME, OLD_SYMPOS
 * and the function new_func() come from the file that includes this.
 */
#include <linux/livepatch.h>
#include <linux/module.h>

static struct klp_func funcs[] = {
	{
		.old_name = OLD_NAME,
		.old_sympos = OLD_SYMPOS,
		.new_func = new_func,
	}, { }
};

static struct klp_object objs[] = {
	{
		.name = OBJNAME,
		.funcs = funcs,
	}, { }
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
MODULE_DESCRIPTION("A livepatch for the tests of klp_sympos");
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
