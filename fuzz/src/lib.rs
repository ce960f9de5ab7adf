// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Fuzzes all code that reads files from outside.
//!
//! Each of the [`targets`] takes any bytes, and panics if an answer is wrong. `targets/` of the package runs them with
//! libFuzzer, and `tests/` runs them with the committed corpora in `cargo test`.

pub mod fixtures;
pub mod targets;

use klp_testkit::{kernel, livepatch, naive};
