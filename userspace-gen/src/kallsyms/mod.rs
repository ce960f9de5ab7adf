// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The symbol table that a kernel has, from the files of its build.
//!
//! vmlinux: `nm` gives each symbol its letter ([`nm`]), scripts/mksysmap and scripts/kallsyms drop
//! some ([`filter`]) and sort the rest ([`order`]); [`vmlinux`] runs these steps. [`module`] is what
//! the loader makes of a module's table, and [`text`] reads what a running kernel prints.

pub mod embedded;
pub mod filter;
pub mod module;
pub mod nm;
pub mod order;
pub mod text;
pub mod vmlinux;
