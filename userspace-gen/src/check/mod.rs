// SPDX-License-Identifier: GPL-2.0 OR MIT

//! What the kernel will say to a livepatch, before anyone loads it.
//!
//! The findings come in the order in which the kernel would make them, told by their [`Stage`]: the module
//! loader resolves what is imported and applies relocations, then `klp_enable_patch()` looks for the
//! functions to replace.

mod functions;
mod header;
mod imports;
mod installed;
mod lookup;
mod module;
pub mod refusal;
mod relocations;
pub mod report;
mod values;

pub use installed::Installed;
pub use lookup::{Lookup, Position};
pub use refusal::{By, Refusal};
pub use report::{Finding, Kind, Outcome, Report, Stage, Step};

use crate::elf::number::read_u16;
use crate::elf::ElfFile;
use crate::error::Result;
use crate::livepatch::{rela_sections, structs, Memory, Modinfo, Patch, RelaSection};
use crate::shown::shown;
use crate::target::{module_name, Target};
use klp_policy::Policy;
use object::read::ReadRef;
use object::{elf, Endianness};
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

/// Checks a livepatch module against the kernel and modules that it is for, and the livepatches that
/// are installed on it.
///
/// # Errors
///
/// The file is no relocatable ELF file, or leads out of itself.
pub fn check<'d, R: ReadRef<'d>>(
    elf: &ElfFile<'d, R>,
    target: &Target<'_>,
    policy: Policy,
    installed: &[Installed<'_>],
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
    subject.check_target(&mut report);
    subject.check_identity(installed, &mut report);
    subject.check_module(&mut report);
    subject.check_symbols(&mut report);
    subject.check_rel_sections(&mut report);
    subject.check_relocations(&mut report);
    let enable = report.findings.len();
    subject.check_livepatch(&mut report);
    subject.check_installed(installed, &mut report);
    report.at(Stage::Enable, enable);
    subject.check_patches(&mut report);
    subject.check_dependency(&mut report);
    report.sort();
    Ok(report)
}

/// Checks the file of a livepatch module: [`check`], and before that what the kernel wants of the
/// file itself.
///
/// # Errors
///
/// It is no relocatable ELF file for the target's architecture.
pub fn check_file(
    origin: String,
    data: &[u8],
    target: &Target<'_>,
    policy: Policy,
    installed: &[Installed<'_>],
) -> Result<Report> {
    let looks_like_one = data.starts_with(&elf::ELFMAG) && data.get(4) == Some(&elf::ELFCLASS64.0);
    let endian = match data.get(5) {
        Some(&2) => Endianness::Big,
        _ => Endianness::Little,
    };
    let relocatable = data.get(16..).and_then(|kind| read_u16(endian, kind)) == Some(elf::ET_REL.0);
    if let Some(refusal) = header::refusal(data, endian).filter(|_| looks_like_one && relocatable) {
        let mut report = Report::default();
        report.add(Kind::Module, "", origin, Outcome::Refused(refusal));
        return Ok(report);
    }
    let elf = ElfFile::parse(origin, data)?;
    check(&elf, target, policy, installed)
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
