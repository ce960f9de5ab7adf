// SPDX-License-Identifier: GPL-2.0
/* The second livepatch of a function. */
#define VERSION "second"

#include "stacked.h"
