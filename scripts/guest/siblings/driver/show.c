// SPDX-License-Identifier: GPL-2.0
/*
 * klp-driver - a module of two files that exports a function
 *
 * Reading the parameter `value` says who made it.
 */
#include <linux/module.h>

#include "driver.h"

int driver_asked;

static noinline int driver_show(char *buffer, const struct kernel_param *kp)
{
	driver_asked++;
	return sysfs_emit(buffer, "original %d\n", driver_value(1));
}

static const struct kernel_param_ops value_ops = {
	.get = driver_show,
};

module_param_cb(value, &value_ops, NULL, 0400);
MODULE_PARM_DESC(value, "How often it was asked");

MODULE_DESCRIPTION("An ordinary module, for livepatches that are made with it");
MODULE_LICENSE("GPL");
