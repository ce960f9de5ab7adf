// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Emits and checks the relocation metadata of kernel livepatches.
//!
//! [`elf`] reads files, [`kallsyms`] turns them into the [`symbols`] that a kernel has, [`target`]
//! puts a kernel and its modules together, [`resolve`] asks them.

#![forbid(unsafe_code)]

pub mod audit;
pub mod bitcode;
pub mod build;
pub mod check;
pub mod collisions;
pub mod convert;
pub mod elf;
pub mod error;
pub mod explain;
pub mod file;
pub mod kallsyms;
pub mod livepatch;
pub mod resolve;
pub mod shown;
pub mod symbols;
pub mod target;

pub use error::{Error, ErrorKind, Result};
