// SPDX-License-Identifier: GPL-2.0 OR MIT

//! From a livepatch with undefined references to kernel internals to one that the kernel loads.
//!
//! [`plan`] says what each reference means, [`spell`] how the kernel is told so, and [`rewrite`]
//! makes the file. What comes out is read again and checked.

mod by_file;
mod candidates;
mod copyable;
pub mod modinfo;
mod nearest;
pub mod old_names;
pub mod plan;
pub mod problem;
pub mod references;
mod relocations;
pub mod rewrite;
pub mod spell;
mod symbols;
pub mod symvers;
mod written;

pub use plan::{Plan, Reference};
pub use problem::Problem;
pub use symvers::Symvers;

use crate::check::{check, Report};
use crate::elf::ElfFile;
use crate::error::{Error, Result};
use crate::target::Target;
use klp_policy::Policy;

/// What came of a conversion.
#[derive(Debug)]
pub enum Conversion {
    /// It is done.
    Done(Converted),
    /// References mean no symbol, or not one.
    Refused(Vec<Problem>),
}

/// A livepatch that the kernel loads.
#[derive(Debug)]
pub struct Converted {
    /// The file.
    pub bytes: Vec<u8>,
    /// What was written for which reference.
    pub references: Vec<Reference>,
    /// What the check of the result says.
    pub report: Report,
}

/// Converts the livepatch `data`, which messages call `origin`.
///
/// References mean what they mean by the rule of `klp_sympos`, whatever `policy` is; that says what the
/// kernel understands that the result is for.
///
/// # Errors
///
/// The file is malformed, or the result does not pass [`check`].
pub fn convert(
    origin: &str,
    data: &[u8],
    target: &Target<'_>,
    symvers: &Symvers,
    policy: Policy,
) -> Result<Conversion> {
    let elf = ElfFile::parse(origin.to_owned(), data)?;
    elf.expect_relocatable()?;
    target.expect_same_machine(&elf)?;
    copyable::expect(&elf, data.len())?;
    let plan = match plan::plan(&elf, target, symvers, policy)? {
        Ok(plan) => plan,
        Err(problems) => return Ok(Conversion::Refused(problems)),
    };
    let bytes = rewrite::rewrite(&elf, &plan)?;
    let converted = ElfFile::parse(format!("{origin} (converted)"), &bytes[..])?;
    let report = check(&converted, target, policy, &[])?;
    if let Some((finding, refusal)) = report.refusals().next() {
        return Err(Error::refused(
            converted.origin(),
            format_args!(
                "the kernel would refuse {} {}: {refusal}",
                finding.kind.as_str(),
                finding.subject
            ),
        ));
    }
    Ok(Conversion::Done(Converted {
        bytes,
        references: plan.references,
        report,
    }))
}
