// SPDX-License-Identifier: GPL-2.0
/* The first livepatch of a function. */
#define VERSION "first"

#include "stacked.h"
