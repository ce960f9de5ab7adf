// SPDX-License-Identifier: GPL-2.0
/* The second of two, until the first goes. */
#define OLD_NAME "before"
#define OLD_SYMPOS 2

#include "sections.h"
