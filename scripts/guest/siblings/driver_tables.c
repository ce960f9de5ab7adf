// SPDX-License-Identifier: GPL-2.0
/* A livepatch of klp-driver, which need not be loaded. */
#include <linux/livepatch.h>
#include <linux/module.h>

#include "driver_functions.h"

static struct klp_func funcs[] = {
	{
		.old_name = "driver_show",
		.new_func = livepatch_driver_show,
	}, { }
};

static struct klp_object objs[] = {
	{
		.name = "klp_driver",
		.funcs = funcs,
	}, { }
};

static struct klp_patch patch = {
	.mod = THIS_MODULE,
	.objs = objs,
};

static int livepatch_driver_init(void)
{
	return klp_enable_patch(&patch);
}

static void livepatch_driver_exit(void)
{
}

module_init(livepatch_driver_init);
module_exit(livepatch_driver_exit);
MODULE_DESCRIPTION("A livepatch of a module that is made with it");
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
