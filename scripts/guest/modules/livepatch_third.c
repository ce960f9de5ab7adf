// SPDX-License-Identifier: GPL-2.0
/* The third livepatch of a function. */
#define VERSION "third"

#include "stacked.h"
