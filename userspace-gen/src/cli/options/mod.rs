// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Options that several commands have: which kernel is meant ([`target`]), by which [`rule`] it compares
//! names, and the [`format`] of the answer.

pub mod format;
pub mod rule;
pub mod target;
