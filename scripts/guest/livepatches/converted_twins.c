// SPDX-License-Identifier: GPL-2.0
/* Patches the third twin of a module, which is named by its position, and calls another one. */
#include <linux/klp_sympos.h>
#include <linux/types.h>

#define OBJNAME "klp_twins"
#define OLD_NAME "twin.llvm.*"
#define OLD_SYMPOS 3

/* Returns 1. */
extern int first_twin(void) KLP_SYMPOS(klp_twins, twin.llvm.900, 0);

static int new_func(void)
{
	return first_twin() + 32;
}

#include "../modules/livepatch.h"
