// SPDX-License-Identifier: GPL-2.0
/*
 * klp_btf - functions whose names in the source are not theirs alone, for BPF
 *
 * The asm labels stand for what ThinLTO makes of statics. BTF has the names of
 * the source. The parameter `call` calls each function.
 */
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/module.h>

/* A variable that has exactly the name of a promoted function. */
extern int klp_btf_variable __asm__("klp_btf_hidden");
noinline int klp_btf_hidden(void) __asm__("klp_btf_hidden.llvm.1");
/* Two promoted functions of one name, of which BTF has one. */
noinline int klp_btf_both(void) __asm__("klp_btf_both.llvm.1");
noinline int klp_btf_other(void) __asm__("klp_btf_both.llvm.2");

int klp_btf_variable = 1;

noinline int klp_btf_hidden(void)
{
	return READ_ONCE(klp_btf_variable);
}

noinline int klp_btf_both(void)
{
	return READ_ONCE(klp_btf_variable) + 1;
}

noinline int klp_btf_other(void)
{
	return READ_ONCE(klp_btf_variable) + 2;
}

/* A function of vmlinux has this name, and another prototype. */
static noinline int tty_ldisc_release(int value)
{
	return READ_ONCE(klp_btf_variable) + value;
}

static int call_get(char *buffer, const struct kernel_param *kp)
{
	return sysfs_emit(buffer, "%d %d %d %d\n", klp_btf_hidden(),
			  klp_btf_both(), klp_btf_other(),
			  tty_ldisc_release(READ_ONCE(klp_btf_variable)));
}

static const struct kernel_param_ops call_ops = {
	.get = call_get,
};

module_param_cb(call, &call_ops, NULL, 0400);
MODULE_PARM_DESC(call, "What each function returns");
MODULE_DESCRIPTION("Functions that share their names, for the tests of klp_sympos");
MODULE_LICENSE("GPL");
