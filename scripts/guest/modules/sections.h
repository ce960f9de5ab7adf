/* SPDX-License-Identifier: GPL-2.0 */
/* A livepatch of klp_sections: OLD_NAME and OLD_SYMPOS come from the file that includes this. */
#include <linux/seq_file.h>

#define OBJNAME "klp_sections"

static int new_func(struct seq_file *m, void *v)
{
	seq_puts(m, "livepatched\n");
	return 0;
}

#include "livepatch.h"
