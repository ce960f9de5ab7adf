// SPDX-License-Identifier: GPL-2.0
/* The first function is one that only klp_sympos finds, the second is nobody's. */
#include <linux/livepatch.h>
#include <linux/module.h>
#include <linux/seq_file.h>

static int new_func(struct seq_file *m, void *v)
{
	return 0;
}

static struct klp_func funcs[] = {
	{
		.old_name = "event_show.llvm.*",
		.old_sympos = 1,
		.new_func = new_func,
	},
	{
		.old_name = "no_such_function",
		.new_func = new_func,
	}, { }
};

static struct klp_object objs[] = {
	{
		.funcs = funcs,
	}, { }
};

static struct klp_patch patch = {
	.mod = THIS_MODULE,
	.objs = objs,
};

static int refused_after_init(void)
{
	return klp_enable_patch(&patch);
}

static void refused_after_exit(void)
{
}

module_init(refused_after_init);
module_exit(refused_after_exit);
MODULE_DESCRIPTION("A livepatch that is refused after an answer, for the tests of klp_sympos");
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
