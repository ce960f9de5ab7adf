// SPDX-License-Identifier: GPL-2.0
/*
 * klp_namesakes - a module with symbols that stand in the way of others
 *
 * The asm labels stand for statics of several files, and for what ThinLTO
 * makes of them. The parameter `call` calls each function.
 */
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/module.h>

/* Exactly the names of functions that are promoted in vmlinux and klp_promoted. */
noinline int exact_static(void) __asm__("tty_ldiscs_seq_show");
noinline int exact_promoted(void) __asm__("klp_promoted_show");
/* A variable that has exactly the name of a promoted function. */
extern int klp_hidden_variable __asm__("klp_hidden");
noinline int klp_hidden_function(void) __asm__("klp_hidden.llvm.1");
/* A variable and a function that were both promoted. */
extern int klp_both_variable __asm__("klp_both.llvm.1");
noinline int klp_both_function(void) __asm__("klp_both.llvm.2");

int klp_hidden_variable;
int klp_both_variable;

noinline int exact_static(void)
{
	return READ_ONCE(klp_both_variable) + 1;
}

noinline int exact_promoted(void)
{
	return READ_ONCE(klp_both_variable) + 2;
}

noinline int klp_hidden_function(void)
{
	return READ_ONCE(klp_hidden_variable);
}

noinline int klp_both_function(void)
{
	return READ_ONCE(klp_both_variable);
}

static int call_get(char *buffer, const struct kernel_param *kp)
{
	return sysfs_emit(buffer, "%d %d %d %d\n", exact_static(),
			  exact_promoted(), klp_hidden_function(),
			  klp_both_function());
}

static const struct kernel_param_ops call_ops = {
	.get = call_get,
};

module_param_cb(call, &call_ops, NULL, 0400);
MODULE_PARM_DESC(call, "What each function returns");
MODULE_DESCRIPTION("Symbols in the way of others, for the tests of klp_sympos");
MODULE_LICENSE("GPL");
