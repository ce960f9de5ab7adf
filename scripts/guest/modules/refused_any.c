// SPDX-License-Identifier: GPL-2.0
/* A name that only klp_sympos resolves, without a dependency on it. */
#include <linux/seq_file.h>

#define OBJNAME NULL
#define OLD_NAME "tty_ldiscs_seq_show.llvm.*"
#define OLD_SYMPOS 1

static int new_func(struct seq_file *m, void *v)
{
	seq_puts(m, "refused_any\n");
	return 0;
}

#include "livepatch.h"
