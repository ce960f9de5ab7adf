// SPDX-License-Identifier: GPL-2.0
/*
 * klp_long - functions with long names
 *
 * The parameter `returns` calls each of them.
 */
#include <linux/module.h>

#include "klp_long.h"

noinline int patched(void) __asm__(PATCHED);
noinline int called(void) __asm__(CALLED);
noinline int promoted(void) __asm__(PROMOTED);
noinline int too_long(void) __asm__(TOO_LONG);

/* Read each time, or the compiler would know what a call returns. */
static int base;

noinline int patched(void)
{
	return READ_ONCE(base) + 1;
}

noinline int called(void)
{
	return READ_ONCE(base) + 2;
}

noinline int promoted(void)
{
	return READ_ONCE(base) + 3;
}

noinline int too_long(void)
{
	return READ_ONCE(base) + 4;
}

static int returns_get(char *buffer, const struct kernel_param *kp)
{
	return sysfs_emit(buffer, "%d %d %d %d\n", patched(), called(),
			  promoted(), too_long());
}

static const struct kernel_param_ops returns_ops = {
	.get = returns_get,
};

module_param_cb(returns, &returns_ops, NULL, 0400);
MODULE_PARM_DESC(returns, "What the functions return");

static int __init klp_long_init(void)
{
	return 0;
}

static void __exit klp_long_exit(void)
{
}

module_init(klp_long_init);
module_exit(klp_long_exit);
MODULE_DESCRIPTION("Functions with long names, for the tests of klp_sympos");
MODULE_LICENSE("GPL");
