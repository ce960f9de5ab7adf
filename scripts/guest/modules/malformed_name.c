// SPDX-License-Identifier: GPL-2.0
/*
 * A livepatch symbol to be renamed after klp-gen has converted this: klp-gen
 * writes no name that the kernel cannot read.
 */
#include <linux/klp_sympos.h>
#include <linux/seq_file.h>

#define OBJNAME NULL
#define OLD_NAME "cmdline_proc_show"
#define OLD_SYMPOS 0

extern unsigned long command_line KLP_SYMPOS(vmlinux, saved_command_line, 1);

static int new_func(struct seq_file *m, void *v)
{
	seq_printf(m, "%lx\n", command_line);
	return 0;
}

#include "livepatch.h"
