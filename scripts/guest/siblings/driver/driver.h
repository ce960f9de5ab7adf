/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KLP_DRIVER_H
#define KLP_DRIVER_H

/* Exported: how often it was asked, times a factor. */
int driver_value(int factor);
/* Not exported: set by show.c, read by value.c. */
extern int driver_asked;

#endif
