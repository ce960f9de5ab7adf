// SPDX-License-Identifier: GPL-2.0
/* A static that is promoted, since its small caller is imported elsewhere. */
#include <linux/compiler.h>
#include "planted.h"

static noinline int klp_planted_weak(int x)
{
	return x + 100;
}

int klp_planted_call_weak(int x)
{
	return klp_planted_weak(x) + 1000;
}
