// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The machine that the tests run on: its directories, its packages, and the programs that are called.

pub mod apt;
pub mod build_outcome;
pub mod cargo_test;
pub mod disk;
pub mod guest_program;
pub mod history;
pub mod klp_gen;
pub mod libraries;
pub mod packages;
pub mod paths;
pub mod run;
