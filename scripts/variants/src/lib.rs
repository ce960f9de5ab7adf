// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Livepatches that are good and bad in every way that the kernel's loader and livepatch core
//! distinguish, and what `klp-gen check` makes of them.
//!
//! The host derives them ([`cases`] says which, [`edit`] how), predicts what the kernel will say
//! ([`mod@predict`]) and writes a [`list`]. A guest loads each and compares.

#![forbid(unsafe_code)]

pub mod cases;
pub mod derive;
pub mod edit;
pub mod list;
pub mod module;
pub mod names;
pub mod predict;
pub mod random;

pub use cases::{Expected, Order, Variant};
pub use derive::{derive, Derived, Deriver, Inputs, KernelFiles};
pub use list::{Listed, Prediction, Rule, Verdict};
pub use random::{Mutant, Mutants};
