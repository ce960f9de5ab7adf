// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Converts a livepatch with undefined references to kernel internals into a livepatch that the kernel loads.
//!
//! `meaning` finds the symbol of each reference, and the name by which the kernel finds the same symbol. `output` makes
//! the file. Then the result is read again and checked.

mod meaning;
mod output;

pub use meaning::old_names::OldName;
pub use meaning::plan::{Plan, ResolvedReference};
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
    /// The converted livepatch.
    Done(Converted),
    /// References mean no symbol, or more than one.
    Refused(Vec<Problem>),
    /// The kernel would refuse the result, or klp-gen does: the report of [`check_file`] has the reasons.
    Rejected(Report),
}

/// A converted livepatch.
#[derive(Debug)]
pub struct Converted {
    /// The file.
    pub bytes: Vec<u8>,
    /// The references, each with the name that was written for it.
    pub references: Vec<ResolvedReference>,
    /// The functions that the livepatch replaces, as far as their objects are given.
    pub functions: Vec<OldName>,
    /// The report of the check of the result.
    pub report: Report,
}

/// Converts the livepatch `data`; `origin` is the name of the file in messages.
///
/// References are resolved by the rule of `klp_sympos`, whatever `policy` is. `policy` is the rule of the
/// kernel that will load the result. The result is checked by [`check_file`], and only returned if that
/// refuses nothing.
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

/// Returns the report on a file that cannot be changed, if the kernel would refuse the file in any form.
///
/// The conversion changes references and names only. So the loader would refuse the same sections and
/// relocations in the converted file.
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
