// SPDX-License-Identifier: GPL-2.0 OR MIT

//! One file per command.

pub mod audit;
pub mod bench;
pub mod calls;
pub mod corpus;
pub mod deb;
pub mod demo;
pub mod fuzz;
pub mod kernel;
pub mod klp_build;
pub mod lint;
pub mod measure;
pub mod qemu;
pub mod series;
pub mod test;
pub mod tracers;
pub mod twin;
