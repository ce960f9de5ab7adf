// SPDX-License-Identifier: GPL-2.0
/* A name that no symbol has. */
#include <linux/types.h>

#define OBJNAME NULL
#define OLD_NAME "no_such_function"
#define OLD_SYMPOS 0

static int new_func(void)
{
	return 0;
}

#include "livepatch.h"
