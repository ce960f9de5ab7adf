// SPDX-License-Identifier: GPL-2.0
/* Patches the third twin of a module, which is named by its position. */
#include <linux/types.h>

#define OBJNAME "klp_twins"
#define OLD_NAME "twin.llvm.*"
#define OLD_SYMPOS 3

static int new_func(void)
{
	return 33;
}

#include "livepatch.h"
