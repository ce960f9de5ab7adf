// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Feeds everything that reads foreign bytes with bytes that are wrong.
//!
//! Each of the [`targets`] takes any bytes and panics if an answer is not right; `targets/` of the
//! package hands them to libFuzzer, `tests/` the committed corpora to `cargo test`.

pub mod fixtures;
pub mod targets;

use klp_testkit::{kernel, livepatch, naive};
