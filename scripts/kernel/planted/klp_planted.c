// SPDX-License-Identifier: GPL-2.0
/*
 * klp_planted - who gets which of two functions that have the same name
 *
 * /sys/module/klp_planted/parameters/results says it: the statics add 100,
 * those in assembly add 7.
 */
#include <linux/linkage.h>
#include <linux/moduleparam.h>
#include <linux/sysfs.h>
#include "planted.h"

asmlinkage int klp_planted_strong(int x);
asmlinkage int klp_planted_weak(int x);

static int results_get(char *buffer, const struct kernel_param *kp)
{
	return sysfs_emit(buffer,
			  "strong: static %d other %d\nweak: static %d other %d\n",
			  klp_planted_call_strong(0) - 1000, klp_planted_strong(0),
			  klp_planted_call_weak(0) - 1000, klp_planted_weak(0));
}

static const struct kernel_param_ops results_ops = {
	.get = results_get,
};
module_param_cb(results, &results_ops, NULL, 0444);
