// SPDX-License-Identifier: GPL-2.0
/* Comes after klp_sections_core.c in the symbol table. */
#include <linux/seq_file.h>

#include "klp_sections.h"

static noinline int __init after(struct seq_file *m, void *v)
{
	seq_puts(m, "original\n");
	return 0;
}

static noinline int __init risen(struct seq_file *m, void *v)
{
	seq_puts(m, "original\n");
	return 0;
}

int __init call_init_after(struct seq_file *m)
{
	seq_puts(m, "init after ");
	after(m, NULL);
	seq_puts(m, "init risen ");
	return risen(m, NULL);
}
