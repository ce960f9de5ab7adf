// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Finds each `klp_patch` of a module, whichever tool made it.

use super::memory::Memory;
use super::structs::Patch;
use super::{data, klp_build, kpatch};
use object::read::ReadRef;

/// How much is looked at in one file. A livepatch needs a small part of it; a file that is made to
/// keep us busy does not.
const BUDGET: u64 = 10_000_000;

/// The patches of a module: those in its data, and those that the init code of kpatch or klp-build
/// puts together from a section.
#[must_use]
pub fn patches<'d, R: ReadRef<'d>>(memory: &Memory<'_, 'd, R>) -> Vec<Patch<'d>> {
    let mut budget = BUDGET;
    let mut patches = data::patches(memory, &mut budget);
    patches.extend(kpatch::patch(memory, &mut budget));
    patches.extend(klp_build::patch(memory, &mut budget));
    patches
}
