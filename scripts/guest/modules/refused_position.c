// SPDX-License-Identifier: GPL-2.0
/* A position past the last match. */
#include <linux/types.h>

#define OBJNAME NULL
#define OLD_NAME "event_show"
#define OLD_SYMPOS 99

static int new_func(void)
{
	return 0;
}

#include "livepatch.h"
