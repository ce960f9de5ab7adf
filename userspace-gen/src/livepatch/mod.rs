// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The contents of a livepatch module: its [`modinfo`], its relocations ([`rela`]), and the [`structs`]
//! that it passes to `klp_enable_patch()`. [`patches()`] finds these structs.

mod data;
pub(crate) mod klp_build;
mod kpatch;
pub mod loaded;
pub mod memory;
pub mod modinfo;
mod offsets;
mod origin;
mod patches;
pub mod rela;
pub mod structs;

pub use loaded::Loaded;
pub use memory::{Memory, Pointer, THIS_MODULE, THIS_MODULE_NAME};
pub use modinfo::Modinfo;
pub use origin::{is_made_of_code, MADE_BY_BUILD};
pub use patches::patches;
pub use rela::{rela_sections, RelaSection};
pub use structs::{FunctionProblem, Patch, PatchProblem, PatchedFunction, PatchedObject, State};

/// The export of `klp_sympos` to which a livepatch refers if it needs that module.
pub const KLP_SYMPOS: &[u8] = b"klp_sympos_v1";
