// SPDX-License-Identifier: GPL-2.0
/* An init function, until it goes: locals come first in the table, and promoted ones are global. */
#define OLD_NAME "risen.llvm.*"
#define OLD_SYMPOS 1

#include "sections.h"
