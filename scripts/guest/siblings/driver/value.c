// SPDX-License-Identifier: GPL-2.0
#include <linux/export.h>

#include "driver.h"

noinline int driver_value(int factor)
{
	return driver_asked * factor;
}
EXPORT_SYMBOL_GPL(driver_value);
