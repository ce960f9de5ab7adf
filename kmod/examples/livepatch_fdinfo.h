/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LIVEPATCH_FDINFO_H
#define LIVEPATCH_FDINFO_H

/* The shadow variable of a struct tty_driver: an atomic_t, how often it was asked. */
#define SHADOW_ASKED 1

#endif /* LIVEPATCH_FDINFO_H */
