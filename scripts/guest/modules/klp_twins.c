// SPDX-License-Identifier: GPL-2.0
/*
 * klp_twins - a module with symbols of one cleaned name
 *
 * The asm labels stand for what ThinLTO makes of statics of several files. The
 * parameter `twin` calls each of them.
 */
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/module.h>

noinline int first_twin(void) __asm__("twin.llvm.900");
noinline int second_twin(void) __asm__("twin");
noinline int third_twin(void) __asm__("twin.llvm.100");
noinline int impostor(void) __asm__("tty_ldiscs_seq_show.llvm.1");
noinline int other_impostor(void) __asm__("klp_promoted_show.llvm.1");

/* Read each time, or the compiler would know what a call returns. */
static int base;

noinline int first_twin(void)
{
	return READ_ONCE(base) + 1;
}

noinline int second_twin(void)
{
	return READ_ONCE(base) + 2;
}

noinline int third_twin(void)
{
	return READ_ONCE(base) + 3;
}

/* Makes a name of vmlinux ambiguous for whoever searches modules too. */
noinline int impostor(void)
{
	return READ_ONCE(base);
}

/* And one of the module klp_promoted. */
noinline int other_impostor(void)
{
	return READ_ONCE(base);
}

static int twin_get(char *buffer, const struct kernel_param *kp)
{
	return sysfs_emit(buffer, "%d %d %d\n", first_twin(), second_twin(),
			  third_twin());
}

static const struct kernel_param_ops twin_ops = {
	.get = twin_get,
};

module_param_cb(twin, &twin_ops, NULL, 0400);
MODULE_PARM_DESC(twin, "What each function called twin returns");

static int __init klp_twins_init(void)
{
	return impostor() + other_impostor();
}

static void __exit klp_twins_exit(void)
{
}

module_init(klp_twins_init);
module_exit(klp_twins_exit);
MODULE_DESCRIPTION("Symbols of one name, for the tests of klp_sympos");
MODULE_LICENSE("GPL");
