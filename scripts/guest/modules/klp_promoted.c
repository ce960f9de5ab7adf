// SPDX-License-Identifier: GPL-2.0
/*
 * klp_promoted - a function with the suffix of a promotion
 *
 * For kernels whose own functions have none. The asm label stands for what
 * ThinLTO makes of a static. Reading the parameter `show` calls the function.
 */
#include <linux/module.h>

int klp_promoted_show(char *buffer, const struct kernel_param *kp)
	__asm__("klp_promoted_show.llvm.700");

/* Calls something, so that the graph tracer shows a body. */
noinline int klp_promoted_show(char *buffer, const struct kernel_param *kp)
{
	return sysfs_emit(buffer, "%s\n", kp->name);
}

static const struct kernel_param_ops show_ops = {
	.get = klp_promoted_show,
};

module_param_cb(show, &show_ops, NULL, 0400);
MODULE_PARM_DESC(show, "Its own name");

MODULE_DESCRIPTION("A promoted function, for the tests of klp_sympos");
MODULE_LICENSE("GPL");
