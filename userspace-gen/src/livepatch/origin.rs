// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The way in which a livepatch was made.

use super::{klp_build, kpatch, Modinfo};
use crate::elf::ElfFile;
use object::read::ReadRef;

/// The key and the value in the `.modinfo` section of a livepatch that `klp-gen build` made.
pub const MADE_BY_BUILD: (&str, &str) = ("klp_gen", "build");

/// Returns true if the functions of a livepatch are taken from a whole file that was compiled as in the kernel.
///
/// `klp-gen build`, kpatch and klp-build make such livepatches. A livepatch of this kind calls the kernel's functions
/// as the kernel does; one that was written by hand calls the functions as they are declared.
#[must_use]
pub fn is_made_of_code<'d, R: ReadRef<'d>>(elf: &ElfFile<'d, R>) -> bool {
    let (key, value) = MADE_BY_BUILD;
    let modinfo = Modinfo::of(elf).unwrap_or_default();
    let has = |name: &[u8]| elf.section_by_name(name).is_some();
    modinfo.get(key.as_bytes()) == Some(value.as_bytes())
        || has(kpatch::FUNCS)
        || klp_build::OBJECTS.iter().any(|name| has(name))
}
