// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Compares the functions and variables of both builds one by one, to find the real changes of a source
//! patch.
//!
//! Names and numbers that change with every build are not compared. [`names`] removes them, [`pairing`]
//! finds the original of each function and variable of the patched files, [`form`] is the form that is compared, and
//! `changes` compares.

mod changes;
pub mod form;
pub mod names;
pub mod pairing;
mod sections;
mod versions;

pub use changes::{compare, ChangedFunction, Changes};
pub use pairing::Pairings;
pub use sections::is_boot_only;
pub use versions::{Files, Side, Versions};
