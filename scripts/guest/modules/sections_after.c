// SPDX-License-Identifier: GPL-2.0
/* The first of two: the other is the one that goes. */
#define OLD_NAME "after"
#define OLD_SYMPOS 1

#include "sections.h"
