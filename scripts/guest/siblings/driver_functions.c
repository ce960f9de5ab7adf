// SPDX-License-Identifier: GPL-2.0
/* What replaces the driver's function, and a function for another livepatch. */
#include <linux/export.h>
#include <linux/sysfs.h>

#include "driver/driver.h"
#include "driver_functions.h"

int livepatch_driver_show(char *buffer, const struct kernel_param *kp)
{
	driver_asked += 10;
	return sysfs_emit(buffer, "livepatched %d\n", driver_value(1));
}

int livepatch_driver_factor(void)
{
	return 100;
}
EXPORT_SYMBOL_GPL(livepatch_driver_factor);
