// SPDX-License-Identifier: GPL-2.0
/*
 * klp_held - a task that stays in a function, and what it sees meanwhile
 *
 * Who reads /proc/klp_held is kept in held_read() until the parameter
 * `released` is set. A livepatch of held_read() cannot change such a task over,
 * so its transition stays open. The task reads the parameter `file` all the
 * time; it is told how often in a row it saw the same first line.
 */
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/sched.h>
#include <linux/string.h>

static char *file;
module_param(file, charp, 0400);
MODULE_PARM_DESC(file, "What to read");

static bool released;
module_param(released, bool, 0600);
MODULE_PARM_DESC(released, "Let the task go");

static unsigned long times;
module_param(times, ulong, 0400);
MODULE_PARM_DESC(times, "How often the file was read");

#define LINE_LEN 32

static void read_line(char line[LINE_LEN])
{
	struct file *opened = filp_open(file, O_RDONLY, 0);
	loff_t pos = 0;
	ssize_t len;

	if (IS_ERR(opened)) {
		strscpy(line, "absent", LINE_LEN);
		return;
	}
	len = kernel_read(opened, line, LINE_LEN - 1, &pos);
	line[len > 0 ? len : 0] = '\0';
	line[strcspn(line, "\n")] = '\0';
	__fput_sync(opened);
}

/* Not inlined, or it could not be patched. */
noinline ssize_t held_read(struct file *proc, char __user *buffer, size_t size,
			   loff_t *pos);

noinline ssize_t held_read(struct file *proc, char __user *buffer, size_t size,
			   loff_t *pos)
{
	char line[LINE_LEN], last[LINE_LEN] = "";
	unsigned long count = 0;
	char text[256];
	int len = 0;

	if (*pos)
		return 0;
	while (!READ_ONCE(released)) {
		read_line(line);
		if (count && strcmp(line, last)) {
			len += scnprintf(text + len, sizeof(text) - len,
					 "%s %lu\n", last, count);
			count = 0;
		}
		strscpy(last, line, LINE_LEN);
		count++;
		WRITE_ONCE(times, times + 1);
		schedule_timeout_uninterruptible(1);
	}
	len += scnprintf(text + len, sizeof(text) - len, "%s %lu\n", last,
			 count);
	return simple_read_from_buffer(buffer, size, pos, text, len);
}

static const struct proc_ops held_ops = {
	.proc_read = held_read,
};

static int __init klp_held_init(void)
{
	return proc_create("klp_held", 0400, NULL, &held_ops) ? 0 : -ENOMEM;
}

static void __exit klp_held_exit(void)
{
	remove_proc_entry("klp_held", NULL);
}

module_init(klp_held_init);
module_exit(klp_held_exit);
MODULE_DESCRIPTION("Holds a livepatch's transition open, for the tests of klp_sympos");
MODULE_LICENSE("GPL");
