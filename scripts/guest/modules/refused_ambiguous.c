// SPDX-License-Identifier: GPL-2.0
/* The only match of a name that several symbols have. */
#include <linux/types.h>

#define OBJNAME NULL
#define OLD_NAME "event_show"
#define OLD_SYMPOS 0

static int new_func(void)
{
	return 0;
}

#include "livepatch.h"
