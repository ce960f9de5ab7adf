// SPDX-License-Identifier: GPL-2.0

#include <linux/livepatch.h>
#include <linux/module.h>
#include <linux/sysfs.h>

static bool replace;
module_param(replace, bool, 0444);
MODULE_PARM_DESC(replace, "replace all livepatches, and hold tasks (default=0)");

static ssize_t livepatch_alias(char *buf)
{
	return sysfs_emit(buf, "%s\n", THIS_MODULE->name);
}

static struct klp_func funcs[] = {
	{
		.old_name = "test_klp_alias_g",
		.new_func = livepatch_alias,
	},
	{
		.old_name = "test_klp_alias_hold",
		.new_func = livepatch_alias,
	},
	{ }
};

static struct klp_object objs[] = {
	{
		.name = "test_klp_alias_mod",
		.funcs = funcs,
	},
	{ }
};

static struct klp_patch patch = {
	.mod = THIS_MODULE,
	.objs = objs,
};

static int test_klp_alias2_init(void)
{
	patch.replace = replace;
	/* Without a task that is held there is nothing to wait for. */
	if (!replace)
		funcs[1] = (struct klp_func){ };
	return klp_enable_patch(&patch);
}

static void test_klp_alias2_exit(void)
{
}

module_init(test_klp_alias2_init);
module_exit(test_klp_alias2_exit);
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
MODULE_DESCRIPTION("Livepatch test: a function by another of its names");
