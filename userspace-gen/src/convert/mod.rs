// SPDX-License-Identifier: GPL-2.0 OR MIT

//! From a livepatch with undefined references to kernel internals to one that the kernel loads.
//!
//! `meaning` says what each reference means and how the kernel is told so, and `output` makes the file.
//! The result is read again and checked.

mod meaning;
mod output;

pub use meaning::old_names::OldName;
pub use meaning::plan::{Plan, Reference};
pub use meaning::problem::{self, Problem};
pub use meaning::{kernel_name, named_modules, references};

use meaning::plan::plan;
use output::preconditions;
use output::rewrite::rewrite;

use crate::check::{check_file, readable, refused_at_sight, Kind, Outcome, Refusal, Report};
use crate::elf::ElfFile;
use crate::error::{Error, Result};
use crate::target::Target;
use klp_policy::Policy;

/// The result of a conversion.
#[derive(Debug)]
pub enum Conversion {
    /// It is done.
    Done(Converted),
    /// References mean no symbol, or not one.
    Refused(Vec<Problem>),
    /// The kernel would refuse the result, or klp-gen does: the report of [`check_file`] says why.
    Rejected(Report),
}

/// A livepatch that the kernel loads.
#[derive(Debug)]
pub struct Converted {
    /// The file.
    pub bytes: Vec<u8>,
    /// The references, each with the name that was written for it.
    pub references: Vec<Reference>,
    /// The functions that it replaces, as far as their objects are known.
    pub functions: Vec<OldName>,
    /// The report of the check of the result.
    pub report: Report,
}

/// Converts the livepatch `data`, which messages call `origin`.
///
/// References mean what they mean by the rule of `klp_sympos`, whatever `policy` is; that says what the
/// kernel understands that the result is for. The result is judged by [`check_file`]: what that refuses is
/// not handed out.
///
/// # Errors
///
/// The file is malformed, or cannot be changed.
pub fn convert(
    origin: &str,
    data: &[u8],
    target: &Target<'_>,
    policy: Policy,
) -> Result<Conversion> {
    let data = readable(data, target);
    if let Some(report) = refused_at_sight(origin, &data, target) {
        return Ok(Conversion::Rejected(report));
    }
    let elf = ElfFile::parse(origin.to_owned(), &data[..])?;
    elf.expect_relocatable()?;
    elf.expect_contents()?;
    target.expect_same_machine(&elf)?;
    let changed = preconditions::expect(&elf, data.len())
        .and_then(|()| plan(&elf, target, policy))
        .and_then(|plan| match plan {
            Ok(plan) => Ok(Ok((rewrite(&elf, &plan)?, plan))),
            Err(problems) => Ok(Err(problems)),
        });
    let (bytes, plan) = match changed {
        Ok(Ok(changed)) => changed,
        Ok(Err(problems)) => return Ok(Conversion::Refused(problems)),
        Err(error) => return refused_anyway(origin, &data, target, policy, error),
    };
    let converted = format!("{origin} (converted)");
    let report = check_file(converted, &bytes, target, policy, &[])?;
    if report.refusals().next().is_some() {
        return Ok(Conversion::Rejected(report));
    }
    Ok(Conversion::Done(Converted {
        bytes,
        references: plan.references,
        functions: plan.old_names,
        report,
    }))
}

/// The answer for a file that cannot be changed: whether the kernel would refuse it in any form.
///
/// References and names would have been changed; what the loader says to sections and relocations would
/// have stayed the same.
fn refused_anyway(
    origin: &str,
    data: &[u8],
    target: &Target<'_>,
    policy: Policy,
    error: Error,
) -> Result<Conversion> {
    let mut report = check_file(origin.to_owned(), data, target, policy, &[])?;
    report.findings.retain(|finding| match finding.kind {
        Kind::Section | Kind::Relocation => true,
        Kind::Module | Kind::Import => {
            matches!(finding.outcome, Outcome::Refused(Refusal::Loader(_)))
        }
        _ => false,
    });
    if report.refusals().next().is_some() {
        Ok(Conversion::Rejected(report))
    } else {
        Err(error)
    }
}
