// SPDX-License-Identifier: GPL-2.0
/* An init function, until it goes: then a promoted one. */
#define OLD_NAME "risen"
#define OLD_SYMPOS 0

#include "sections.h"
