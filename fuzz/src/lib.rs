// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Feeds everything that reads foreign bytes with bytes that are wrong.
//!
//! Each of the [`targets`] takes any bytes and panics if an answer is not right; `targets/` of the
//! package hands them to libFuzzer, `tests/` the committed corpora to `cargo test`.

pub mod fixtures;
pub mod targets;

#[path = "../../userspace-gen/tests/klp_gen/elf.rs"]
#[allow(dead_code, reason = "the tests of klp-gen use all of it")]
mod elf;
#[path = "../../userspace-gen/tests/klp_gen/kernel.rs"]
#[allow(dead_code, reason = "the tests of klp-gen use all of it")]
mod kernel;
#[path = "../../userspace-gen/tests/klp_gen/livepatch.rs"]
#[allow(dead_code, reason = "the tests of klp-gen use all of it")]
mod livepatch;
#[path = "../../rust/policy/tests/policy/naive.rs"]
#[allow(dead_code, reason = "the tests of klp-policy use all of it")]
mod naive;
