// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The changes that can be made to a livepatch, in the words of livepatch.
//!
//! Places are found by the names of the C variables in the sources of the bases, not by what klp-gen knows of
//! livepatches: it is klp-gen that is tested.

mod headers;
mod memory;
mod relocations;
mod structs;
mod words;

pub use headers::{move_section, patch_section, resize_section, retype_section};
