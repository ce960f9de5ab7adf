// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Builders for the tests of several crates.
//!
//! [`elf`] builds ELF files of parts, [`kernel`] a kernel with a module, [`livepatch`] livepatches as a compiler
//! and modpost leave them. [`naive`] has the rule of `klp-policy`, computed in the most obvious way.

#![expect(
    clippy::missing_panics_doc,
    clippy::must_use_candidate,
    clippy::return_self_not_must_use,
    reason = "only tests call this, and a test that panics has failed"
)]

#[cfg(feature = "files")]
pub mod elf;
#[cfg(feature = "files")]
pub mod kernel;
#[cfg(feature = "files")]
pub mod livepatch;
pub mod naive;
