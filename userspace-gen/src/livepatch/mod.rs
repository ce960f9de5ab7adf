// SPDX-License-Identifier: GPL-2.0 OR MIT

//! What a livepatch module says about itself: its [`modinfo`], its relocations ([`rela`]), and the
//! [`structs`] that it hands to `klp_enable_patch()`, whichever tool made it.

mod data;
mod klp_build;
mod kpatch;
pub mod memory;
pub mod modinfo;
pub mod rela;
pub mod structs;

pub use memory::{Memory, Pointer, THIS_MODULE};
pub use modinfo::Modinfo;
pub use rela::{rela_sections, RelaSection};
pub use structs::{Patch, PatchedFunction, PatchedObject, Problem, State};
