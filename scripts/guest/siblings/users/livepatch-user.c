// SPDX-License-Identifier: GPL-2.0
/* A livepatch of the kernel that uses what klp-driver and another livepatch export. */
#include <linux/livepatch.h>
#include <linux/module.h>
#include <linux/seq_file.h>

#include "../driver/driver.h"
#include "../driver_functions.h"

static int livepatch_ldiscs_show(struct seq_file *m, void *v)
{
	seq_printf(m, "driver %d\n", driver_value(livepatch_driver_factor()));
	return 0;
}

static struct klp_func funcs[] = {
	{
		.old_name = "tty_ldiscs_seq_show",
		.new_func = livepatch_ldiscs_show,
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

static int livepatch_user_init(void)
{
	return klp_enable_patch(&patch);
}

static void livepatch_user_exit(void)
{
}

module_init(livepatch_user_init);
module_exit(livepatch_user_exit);
MODULE_DESCRIPTION("A livepatch that uses exports of modules that are made with it");
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
