/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A livepatch that is told what to patch as it is loaded: hashes are known only
 * in the guest. VERSION, which the new function prints, comes from the file that
 * includes this.
 */
#include <linux/livepatch.h>
#include <linux/module.h>
#include <linux/seq_file.h>

static char *objname;
module_param(objname, charp, 0400);
MODULE_PARM_DESC(objname, "The module of the function; none for vmlinux");

static char *old_name;
module_param(old_name, charp, 0400);
MODULE_PARM_DESC(old_name, "The function that shows something; none for no function");

static unsigned long old_sympos;
module_param(old_sympos, ulong, 0400);
MODULE_PARM_DESC(old_sympos, "Its position");

static bool hold;
module_param(hold, bool, 0400);
MODULE_PARM_DESC(hold, "Patch what the task of klp_held is in");

static bool replace;
module_param(replace, bool, 0400);
MODULE_PARM_DESC(replace, "Replace all livepatches that are loaded");

static int new_show(struct seq_file *m, void *v)
{
	seq_puts(m, VERSION "\n");
	return 0;
}

static ssize_t new_held_read(struct file *proc, char __user *buffer,
			     size_t size, loff_t *pos)
{
	return 0;
}

static struct klp_func show_funcs[] = {
	{
		.new_func = new_show,
	}, { }
};

static struct klp_func held_funcs[] = {
	{
		.old_name = "held_read",
		.new_func = new_held_read,
	}, { }
};

static struct klp_object objs[3];

static struct klp_patch patch = {
	.mod = THIS_MODULE,
	.objs = objs,
};

static int livepatch_init(void)
{
	struct klp_object *obj = objs;

	if (old_name) {
		show_funcs[0].old_name = old_name;
		show_funcs[0].old_sympos = old_sympos;
		obj->name = objname;
		obj->funcs = show_funcs;
		obj++;
	}
	if (hold) {
		obj->name = "klp_held";
		obj->funcs = held_funcs;
	}
	patch.replace = replace;
	return klp_enable_patch(&patch);
}

static void livepatch_exit(void)
{
}

module_init(livepatch_init);
module_exit(livepatch_exit);
MODULE_DESCRIPTION("A livepatch on top of others, for the tests of klp_sympos");
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
