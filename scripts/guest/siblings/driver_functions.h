/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LIVEPATCH_DRIVER_FUNCTIONS_H
#define LIVEPATCH_DRIVER_FUNCTIONS_H

struct kernel_param;

int livepatch_driver_show(char *buffer, const struct kernel_param *kp);
int livepatch_driver_factor(void);

#endif
