// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The symbol table that a kernel has, from the files of its build.
//!
//! - [`vmlinux`] makes the table of a kernel image: `nm` gives each symbol a letter ([`nm`]), scripts/mksysmap and
//!   scripts/kallsyms drop some symbols ([`filter`]) and sort the others ([`order`]).
//! - [`module`] makes the table of a module, as the loader does.
//! - [`text`] reads the output of a running kernel.

pub mod embedded;
pub mod filter;
pub mod module;
pub mod nm;
pub mod order;
pub mod text;
pub mod vmlinux;
