// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Predicts the kernel's answer to a livepatch, before anyone loads it.
//!
//! The findings come in the order in which the kernel would make them. Their [`Stage`] defines this order:
//! first the module loader resolves imported symbols and applies relocations, then `klp_enable_patch()`
//! looks for the functions to replace.

mod jump;
mod livepatch;
mod loader;
pub mod refusal;
pub mod report;
mod subject;

pub use livepatch::find_symbol::{FoundSymbol, SymbolLookup};
pub use livepatch::installed::Installed;
pub use refusal::{By, Errno, Refusal, RelocationPlace};
pub use report::{Finding, Kind, Outcome, Report, Stage, Step};

use subject::Subject;

use crate::elf::number::read_u16;
use crate::elf::ElfFile;
use crate::error::Result;
use crate::target::Target;
use klp_policy::Policy;
use object::read::ReadRef;
use object::{elf, Endianness};
use std::borrow::Cow;
use std::mem::offset_of;

/// Offsets in `struct elf64_hdr` (include/uapi/linux/elf.h): the class and the byte order in its `e_ident`, and the two
/// fields behind that.
const EI_CLASS: usize = offset_of!(elf::Ident, class);
const EI_DATA: usize = offset_of!(elf::Ident, data);
const E_TYPE: usize = offset_of!(elf::FileHeader64<Endianness>, e_type);
const E_MACHINE: usize = offset_of!(elf::FileHeader64<Endianness>, e_machine);

/// Checks a livepatch module against its kernel, the modules that it patches, and the livepatches that are
/// installed.
///
/// # Errors
///
/// The file is no relocatable ELF file, or contains an offset beyond its end.
pub fn check<'d, R: ReadRef<'d>>(
    elf: &ElfFile<'d, R>,
    target: &Target<'_>,
    policy: Policy,
    installed: &[Installed<'_>],
) -> Result<Report> {
    elf.expect_relocatable()?;
    target.expect_same_machine(elf)?;
    let subject = Subject::new(elf, target, policy)?;
    let mut report = Report::default();
    subject.check_target(&mut report);
    subject.check_identity(&mut report);
    subject.check_not_installed(installed, &mut report);
    subject.check_module(&mut report);
    subject.check_places(&mut report);
    subject.check_memory(&mut report);
    subject.check_entries(&mut report);
    subject.check_names(&mut report);
    subject.check_per_cpu(&mut report);
    subject.check_own_exports(&mut report);
    subject.check_imported_namespaces(&mut report);
    subject.check_symbols(&mut report);
    subject.check_relocations(&mut report);
    subject.check_sites(&mut report);
    subject.check_parameters(&mut report);
    subject.check_sysfs(&mut report);
    report.during(Stage::Enable, |report| {
        subject.check_livepatch(report);
        subject.check_installed(installed, report);
    });
    subject.check_patches(&mut report);
    subject.check_dependency(&mut report);
    report.sort();
    Ok(report)
}

/// Checks the file of a livepatch module: first the properties that the kernel requires of any module file,
/// then everything that [`check`] looks at.
///
/// # Errors
///
/// The file is no relocatable ELF file for the target's architecture.
pub fn check_file(
    origin: String,
    data: &[u8],
    target: &Target<'_>,
    policy: Policy,
    installed: &[Installed<'_>],
) -> Result<Report> {
    let readable = readable(data, target);
    if let Some(report) = refused_at_sight(&origin, &readable, target) {
        return Ok(report);
    }
    let elf = ElfFile::parse(origin, &readable[..])?;
    let mut report = check(&elf, target, policy, installed)?;
    if let Cow::Owned(_) = readable {
        let what =
            "its e_ident differs from that of the kernel's files; the kernel does not check e_ident";
        report
            .add(Kind::Module, "", "e_ident", Outcome::Accepted)
            .warn(what);
    }
    Ok(report)
}

/// Returns the bytes of a file as the kernel reads them.
///
/// `elf_validity_ehdr()` compares the magic, and the machine in the kernel's own byte order. It does not check the
/// rest of `e_ident`. If that differs from the kernel's files, a copy with the kernel's `e_ident` is
/// returned.
pub(crate) fn readable<'d>(data: &'d [u8], target: &Target<'_>) -> Cow<'d, [u8]> {
    let Some(ident) = data.get(..E_TYPE) else {
        return Cow::Borrowed(data);
    };
    let (machine, endian) = target
        .machine()
        .unwrap_or((elf::EM_X86_64, Endianness::Little));
    let number = data
        .get(E_MACHINE..)
        .and_then(|number| read_u16(endian, number));
    let expected = expected_ident(endian);
    if !ident.starts_with(&elf::ELFMAG) || ident.starts_with(&expected) || number != Some(machine.0)
    {
        return Cow::Borrowed(data);
    }
    let mut readable = data.to_vec();
    readable[..expected.len()].copy_from_slice(&expected);
    Cow::Owned(readable)
}

/// Returns the beginning of a 64-bit ELF file.
fn expected_ident(endian: Endianness) -> [u8; 7] {
    let data = match endian {
        Endianness::Little => elf::ELFDATA2LSB,
        Endianness::Big => elf::ELFDATA2MSB,
    };
    let [a, b, c, d] = elf::ELFMAG;
    [a, b, c, d, elf::ELFCLASS64.0, data.0, elf::EV_CURRENT.0]
}

/// Returns the report on a file that the kernel refuses because of its headers. `origin` is the name of the
/// file in messages.
pub(crate) fn refused_at_sight(origin: &str, data: &[u8], target: &Target<'_>) -> Option<Report> {
    let looks_like_one =
        data.starts_with(&elf::ELFMAG) && data.get(EI_CLASS) == Some(&elf::ELFCLASS64.0);
    let endian = match data.get(EI_DATA) {
        Some(&data) if data == elf::ELFDATA2MSB.0 => Endianness::Big,
        _ => Endianness::Little,
    };
    let number = |at| data.get(at..).and_then(|number| read_u16(endian, number));
    let relocatable = number(E_TYPE) == Some(elf::ET_REL.0);
    // A file for another machine is no module, and the kernel checks nothing else of it.
    let (machine, _) = target.machine().unzip();
    let is_ours = machine.is_none_or(|machine| number(E_MACHINE) == Some(machine.0));
    let is_one = looks_like_one && relocatable && is_ours;
    let refusal = loader::header::refusal(data, endian, |vermagic| target.release(vermagic));
    let refusal = refusal.filter(|_| is_one)?;
    let mut report = Report::default();
    report.add(Kind::Module, "", origin, Outcome::Refused(refusal));
    Some(report)
}
