// SPDX-License-Identifier: GPL-2.0
/* Comes before klp_sections_core.c in the symbol table. */
#include <linux/seq_file.h>

#include "klp_sections.h"

static noinline int __init before(struct seq_file *m, void *v)
{
	seq_puts(m, "original\n");
	return 0;
}

int __init call_init_before(struct seq_file *m)
{
	seq_puts(m, "init before ");
	return before(m, NULL);
}
