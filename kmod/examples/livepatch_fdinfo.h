/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LIVEPATCH_FDINFO_H
#define LIVEPATCH_FDINFO_H

/* The shadow variable of a struct tty_driver: an atomic_t, how often it was asked. */
#define SHADOW_ASKED 1

/*
 * The change that both livepatches make, and its versions: 1 has a shadow variable
 * for each driver and the time of patching in klp_state.data, 2 takes both over.
 */
#define STATE_ASKED 1

#endif /* LIVEPATCH_FDINFO_H */
