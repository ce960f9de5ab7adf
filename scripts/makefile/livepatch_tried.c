// SPDX-License-Identifier: GPL-2.0
/*
 * A livepatch for the tests of Makefile.livepatch, which say what it patches:
 * OBJECT, FUNCTION, and an expression that it USES.
 */
#include <linux/klp_sympos.h>
#include <linux/livepatch.h>
#include <linux/module.h>

#ifndef OBJECT
#define OBJECT NULL
#endif
#ifndef FUNCTION
#define FUNCTION "cmdline_proc_show"
#endif
#ifndef USES
#define USES 0
#endif

/* Two files have a static function of this name. */
extern int mode_show(void) KLP_SYMFILE(vmlinux, mode_show, "kernel/reboot.c");

static int new_func(void)
{
	return USES;
}

static struct klp_func funcs[] = {
	{
		.old_name = FUNCTION,
		.new_func = new_func,
	}, { }
};

static struct klp_object objs[] = {
	{
		.name = OBJECT,
		.funcs = funcs,
	}, { }
};

static struct klp_patch patch = {
	.mod = THIS_MODULE,
	.objs = objs,
};

static int livepatch_init(void)
{
	return klp_enable_patch(&patch);
}

static void livepatch_exit(void)
{
}

module_init(livepatch_init);
module_exit(livepatch_exit);
MODULE_DESCRIPTION("For the tests of Makefile.livepatch");
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
