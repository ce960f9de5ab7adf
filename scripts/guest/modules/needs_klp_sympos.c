// SPDX-License-Identifier: GPL-2.0
/*
 * A livepatch that klp-gen makes dependent on klp_sympos: of what vmlinux
 * promotes, string literals have a suffix however it is linked.
 */
#include <linux/klp_sympos.h>
#include <linux/seq_file.h>

#define OBJNAME NULL
#define OLD_NAME "tty_ldiscs_seq_show"
#define OLD_SYMPOS 0

extern const char literal[] KLP_SYMPOS(vmlinux, .str.llvm.*, 1);

static int new_func(struct seq_file *m, void *v)
{
	seq_printf(m, "%s\n", literal);
	return 0;
}

#include "livepatch.h"
