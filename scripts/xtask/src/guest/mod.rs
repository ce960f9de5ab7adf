// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The machine in QEMU: the files that it boots with, and the run.

pub mod boot;
pub mod image;
pub mod vm;
