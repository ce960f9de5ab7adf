// SPDX-License-Identifier: GPL-2.0

#include <linux/livepatch.h>
#include <linux/module.h>
#include <linux/sysfs.h>

static char *old_name;
module_param(old_name, charp, 0444);
MODULE_PARM_DESC(old_name, "function to replace (default=test_klp_sympos_twin)");

static ulong old_sympos = 1;
module_param(old_sympos, ulong, 0444);
MODULE_PARM_DESC(old_sympos, "position among those of the name (default=1)");

static int livepatch_sympos(char *buf, int at)
{
	return sysfs_emit_at(buf, at, "P");
}

static struct klp_func funcs[] = {
	{
		.old_name = "test_klp_sympos_twin",
		.new_func = livepatch_sympos,
		.old_sympos = 1,
	},
	{ }
};

static struct klp_object objs[] = {
	{
		.name = "test_klp_sympos_mod",
		.funcs = funcs,
	},
	{ }
};

static struct klp_patch patch = {
	.mod = THIS_MODULE,
	.objs = objs,
};

static int test_klp_sympos_init(void)
{
	if (old_name)
		funcs[0].old_name = old_name;
	funcs[0].old_sympos = old_sympos;
	return klp_enable_patch(&patch);
}

static void test_klp_sympos_exit(void)
{
}

module_init(test_klp_sympos_init);
module_exit(test_klp_sympos_exit);
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
MODULE_DESCRIPTION("Livepatch test: one of several functions that share a name");
