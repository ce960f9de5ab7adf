// SPDX-License-Identifier: GPL-2.0 OR MIT

//! What the kernel will say to a livepatch, before anyone loads it.
//!
//! The checks come in the order in which the kernel makes them: the module loader resolves what is
//! imported and applies relocations, then `klp_enable_patch()` looks for the functions to replace.

mod functions;
mod imports;
mod lookup;
pub mod refusal;
mod relocations;
pub mod report;

pub use lookup::{Lookup, Position};
pub use refusal::{By, Refusal};
pub use report::{Finding, Kind, Outcome, Report};

use crate::elf::ElfFile;
use crate::error::Result;
use crate::livepatch::{rela_sections, structs, Memory, Modinfo, Patch, RelaSection};
use crate::shown::shown;
use crate::target::{module_name, Target};
use klp_policy::Policy;
use object::read::ReadRef;
use std::path::Path;

/// The export of `klp_sympos` that a livepatch refers to if it needs that module.
pub const KLP_SYMPOS: &[u8] = b"klp_sympos_v1";

/// A livepatch module and what it is checked against.
struct Subject<'t, 'd, R: ReadRef<'d>> {
    elf: &'t ElfFile<'d, R>,
    modinfo: Modinfo<'d>,
    module: String,
    rela: Vec<RelaSection<'d>>,
    patches: Vec<Patch<'d>>,
    target: &'t Target<'t>,
    policy: Policy,
}

/// Checks a livepatch module against the kernel and modules that it is for.
///
/// # Errors
///
/// The file is no relocatable ELF file, or leads out of itself.
pub fn check<'d, R: ReadRef<'d>>(
    elf: &ElfFile<'d, R>,
    target: &Target<'_>,
    policy: Policy,
) -> Result<Report> {
    elf.expect_relocatable()?;
    target.expect_same_machine(elf)?;
    let rela = rela_sections(elf)?;
    let modinfo = Modinfo::of(elf)?;
    let subject = Subject {
        elf,
        modinfo,
        module: module_of(elf, &modinfo),
        patches: structs::patches(&Memory::new(elf, &rela)),
        rela,
        target,
        policy,
    };
    let mut report = Report::default();
    subject.check_imports(&mut report);
    subject.check_relocations(&mut report);
    subject.check_patches(&mut report);
    subject.check_dependency(&mut report);
    Ok(report)
}

/// The name of the module, as the kernel will call it.
fn module_of<'d, R: ReadRef<'d>>(elf: &ElfFile<'d, R>, modinfo: &Modinfo<'d>) -> String {
    let name = modinfo.get(b"name").map(<[u8]>::to_vec);
    let stem = || {
        let stem = Path::new(elf.origin()).file_stem().unwrap_or_default();
        module_name(stem.as_encoded_bytes())
    };
    shown(&name.unwrap_or_else(stem))
}
