// SPDX-License-Identifier: GPL-2.0
/*
 * livepatch_ldiscs - replace a function that ThinLTO promoted
 *
 * tty_ldiscs_seq_show() prints /proc/tty/ldiscs. It is static, but another file
 * uses the table it is in, so that a ThinLTO kernel calls it
 * tty_ldiscs_seq_show.llvm.<hash>. The replacement shows what else a livepatch
 * needs: a static function that shares its name with others, a promoted
 * variable, and a static local. No hash is written anywhere.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/atomic.h>
#include <linux/device.h>
#include <linux/klp_sympos.h>
#include <linux/livepatch.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/slab.h>

/* arch/x86/events: the text of format/event, a different one for each PMU */
typedef ssize_t (event_show_t)(struct device *dev, struct device_attribute *attr,
			       char *page);
extern event_show_t first_event_show KLP_SYMPOS(vmlinux, event_show, 1);
extern event_show_t third_event_show KLP_SYMPOS(vmlinux, event_show, 3);

/* kernel/panic.c: static, promoted, and the only one of its name */
extern unsigned long tainted_mask;

/* drivers/input/input.c: static in input_allocate_device() */
extern atomic_t input_no KLP_SYMPOS(vmlinux, input_allocate_device.input_no, 0);

static void show_event(struct seq_file *m, const char *which, event_show_t *show)
{
	char *page = (char *)get_zeroed_page(GFP_KERNEL);

	if (!page)
		return;
	show(NULL, NULL, page);
	/* It ends with a newline. */
	seq_printf(m, "%s_event_show %s", which, page);
	free_page((unsigned long)page);
}

static int livepatch_tty_ldiscs_seq_show(struct seq_file *m, void *v)
{
	/* Once, and not for each line discipline. */
	if (*(loff_t *)v != 0)
		return 0;

	seq_puts(m, "livepatched\n");
	seq_printf(m, "tainted_mask %lu\n", tainted_mask);
	seq_printf(m, "input_no %d\n", atomic_read(&input_no));
	show_event(m, "first", first_event_show);
	show_event(m, "third", third_event_show);
	/* Two addresses would be a secret; their distance proves as much. */
	seq_printf(m, "first_to_third %ld\n",
		   (long)third_event_show - (long)first_event_show);
	return 0;
}

static struct klp_func funcs[] = {
	{
		.old_name = "tty_ldiscs_seq_show",
		.new_func = livepatch_tty_ldiscs_seq_show,
	}, { }
};

static struct klp_object objs[] = {
	{
		/* name being NULL means vmlinux */
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
MODULE_DESCRIPTION("klp_sympos example: replace a promoted function");
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
