// SPDX-License-Identifier: GPL-2.0
/* The hash of another build. */
#include <linux/seq_file.h>

#define OBJNAME NULL
#define OLD_NAME "event_show.llvm.5"
#define OLD_SYMPOS 1

static int new_func(struct seq_file *m, void *v)
{
	return 0;
}

#include "livepatch.h"
