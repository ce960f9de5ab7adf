// SPDX-License-Identifier: GPL-2.0
/* The first of two, until it goes: then it is the other. */
#define OLD_NAME "before"
#define OLD_SYMPOS 1

#include "sections.h"
