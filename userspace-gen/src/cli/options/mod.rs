// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Options of several commands: the kernel and its modules ([`target`]), the [`rule`] by which the kernel
//! compares names, and the output [`format`].

pub mod format;
pub mod rule;
pub mod target;
