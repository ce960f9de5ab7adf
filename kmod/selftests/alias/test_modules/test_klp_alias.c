// SPDX-License-Identifier: GPL-2.0

#include <linux/livepatch.h>
#include <linux/module.h>
#include <linux/sysfs.h>

static ssize_t livepatch_alias(char *buf)
{
	return sysfs_emit(buf, "%s\n", THIS_MODULE->name);
}

static struct klp_func funcs[] = {
	{
		.old_name = "test_klp_alias_f",
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

static int test_klp_alias_init(void)
{
	return klp_enable_patch(&patch);
}

static void test_klp_alias_exit(void)
{
}

module_init(test_klp_alias_init);
module_exit(test_klp_alias_exit);
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
MODULE_DESCRIPTION("Livepatch test: a function by one of its names");
