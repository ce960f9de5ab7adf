// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Emits and checks the relocation metadata of kernel livepatches.
