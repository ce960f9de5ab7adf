// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Finds each `klp_patch` of a module, whichever tool made the module.

use super::memory::Memory;
use super::structs::Patch;
use super::{data, klp_build, kpatch};
use object::read::ReadRef;

/// The number of steps for one file. A real livepatch needs few of them. The limit is for files that were
/// made to use up time.
const BUDGET: u64 = 10_000_000;

/// Returns the patches of a module: those in its data, and those that init code of kpatch or klp-build
/// makes from a section.
#[must_use]
pub fn patches<'d, R: ReadRef<'d>>(memory: &Memory<'_, 'd, R>) -> Vec<Patch<'d>> {
    let mut budget = BUDGET;
    let mut patches = data::patches(memory, &mut budget);
    patches.extend(kpatch::patch(memory, &mut budget));
    patches.extend(klp_build::patch(memory, &mut budget));
    patches
}
