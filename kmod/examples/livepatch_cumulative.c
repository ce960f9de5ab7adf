// SPDX-License-Identifier: GPL-2.0
/*
 * livepatch_cumulative - take over from every livepatch that is there
 *
 * With .replace, this is the only livepatch once its transition is over. It has
 * a new version of what livepatch_fdinfo does, and goes on with that one's
 * shadow variables and with its state. The kernel calls no callback of a
 * livepatch that is replaced: it is the last one that cleans up. As it knows the
 * state, the kernel takes it after livepatch_fdinfo, and not the other way round.
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

static void cumulative_tty_show_fdinfo(struct seq_file *m, struct file *file)
{
	struct tty_struct *tty = ((struct tty_file_private *)file->private_data)->tty;
	atomic_t *asked;

	if (!tty)
		return;
	if (tty->ops && tty->ops->show_fdinfo)
		tty->ops->show_fdinfo(tty, m);

	asked = klp_shadow_get(tty->driver, SHADOW_ASKED);
	seq_printf(m, "cumulative_asked:\t%d\n", asked ? atomic_inc_return(asked) : 0);
	seq_printf(m, "cumulative_since:\t%lld\n", since);
}

/* The state of a livepatch that is being replaced, if it has one of this id. */
static int take_over(struct klp_object *obj)
{
	struct klp_state *before = klp_get_prev_state(STATE_ASKED);
	struct klp_state *state = klp_get_state(&patch, STATE_ASKED);

	since = before ? (long)before->data : ktime_get_boottime_seconds();
	state->data = (void *)(long)since;
	return 0;
}

static void free_shadows(struct klp_object *obj)
{
	klp_shadow_free_all(SHADOW_ASKED, NULL);
}

static struct klp_func funcs[] = {
	{
		.old_name = "tty_show_fdinfo",
		.new_func = cumulative_tty_show_fdinfo,
	}, { }
};

static struct klp_object objs[] = {
	{
		.funcs = funcs,
		.callbacks = {
			.pre_patch = take_over,
			.post_unpatch = free_shadows,
		},
	}, { }
};

static struct klp_state states[] = {
	{
		.id = STATE_ASKED,
		.version = 2,
	}, { }
};

static struct klp_patch patch = {
	.mod = THIS_MODULE,
	.objs = objs,
	.states = states,
	.replace = true,
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
MODULE_DESCRIPTION("klp_sympos example: a cumulative livepatch");
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
