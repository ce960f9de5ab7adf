// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The measurements of `cargo xtask bench`: pairs, each in one run, in turns, on the same input.

pub mod build;
pub mod guest;
pub mod host;
mod larger;
mod measure;
pub mod peers;
mod relocations;
mod report;

pub use measure::usage;
pub use report::Ratios;
