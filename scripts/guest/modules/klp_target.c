// SPDX-License-Identifier: GPL-2.0
/*
 * klp_target - a module with one function of two names
 *
 * /proc/klp_target says which version of the function made it. The asm label
 * stands for what ThinLTO makes of a static that several files use.
 */
#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>

noinline int target_show(struct seq_file *m, void *v)
	__asm__("target_show.llvm.900");
int target_alias(struct seq_file *m, void *v)
	__used __alias(target_show.llvm.900);

noinline int target_show(struct seq_file *m, void *v)
{
	seq_puts(m, "original\n");
	return 0;
}

static int __init klp_target_init(void)
{
	return proc_create_single("klp_target", 0400, NULL, target_show) ?
		       0 :
		       -ENOMEM;
}

static void __exit klp_target_exit(void)
{
	remove_proc_entry("klp_target", NULL);
}

module_init(klp_target_init);
module_exit(klp_target_exit);
MODULE_DESCRIPTION("One function of two names, for the tests of klp_sympos");
MODULE_LICENSE("GPL");
