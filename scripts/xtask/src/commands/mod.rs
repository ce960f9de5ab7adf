// SPDX-License-Identifier: GPL-2.0 OR MIT

//! One file per command.

pub mod kernel;
pub mod qemu;
pub mod test;
