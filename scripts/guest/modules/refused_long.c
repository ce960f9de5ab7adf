// SPDX-License-Identifier: GPL-2.0
/* A function whose name has one byte more than kallsyms takes. */
#include <linux/types.h>

#include "klp_long.h"

#define OBJNAME "klp_long"
#define OLD_NAME TOO_LONG
#define OLD_SYMPOS 0

static int new_func(void)
{
	return 0;
}

#include "livepatch.h"
