// SPDX-License-Identifier: GPL-2.0
/*
 * livepatch_fdinfo - callbacks, shadow variables, and a state
 *
 * tty_show_fdinfo() prints what /proc/PID/fdinfo/FD says of a terminal. The
 * replacement also says how often it was asked, for each terminal driver: a
 * shadow variable adds this number to struct tty_driver, which has no room for
 * it. Before the function is replaced, a callback remembers the time, also for a
 * livepatch that replaces this one; after the original is back, another one frees
 * the numbers.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/fs.h>
#include <linux/livepatch.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/timekeeping.h>
#include <linux/tty.h>
#include <linux/tty_driver.h>

#include "livepatch_fdinfo.h"

static struct klp_patch patch;
static time64_t since;

static void livepatch_tty_show_fdinfo(struct seq_file *m, struct file *file)
{
	struct tty_struct *tty = ((struct tty_file_private *)file->private_data)->tty;
	atomic_t *asked;

	if (!tty)
		return;
	/* As the original. */
	if (tty->ops && tty->ops->show_fdinfo)
		tty->ops->show_fdinfo(tty, m);

	asked = klp_shadow_get_or_alloc(tty->driver, SHADOW_ASKED, sizeof(*asked),
					GFP_KERNEL, NULL, NULL);
	if (!asked)
		return;
	seq_printf(m, "livepatch_asked:\t%d\n", atomic_inc_return(asked));
	seq_printf(m, "livepatch_since:\t%lld\n", since);
}

static int remember_time(struct klp_object *obj)
{
	since = ktime_get_boottime_seconds();
	klp_get_state(&patch, STATE_ASKED)->data = (void *)(long)since;
	return 0;
}

static void free_shadows(struct klp_object *obj)
{
	klp_shadow_free_all(SHADOW_ASKED, NULL);
}

static struct klp_func funcs[] = {
	{
		/* drivers/tty/tty_io.c: static and promoted */
		.old_name = "tty_show_fdinfo",
		.new_func = livepatch_tty_show_fdinfo,
	}, { }
};

static struct klp_object objs[] = {
	{
		/* name being NULL means vmlinux */
		.funcs = funcs,
		.callbacks = {
			.pre_patch = remember_time,
			.post_unpatch = free_shadows,
		},
	}, { }
};

static struct klp_state states[] = {
	{
		.id = STATE_ASKED,
		.version = 1,
	}, { }
};

static struct klp_patch patch = {
	.mod = THIS_MODULE,
	.objs = objs,
	.states = states,
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
MODULE_DESCRIPTION("klp_sympos example: callbacks and shadow variables");
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
