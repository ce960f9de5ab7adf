// SPDX-License-Identifier: GPL-2.0 OR MIT

//! `klp-gen check`

use super::output::{self, message, Address, Format, FormatArg};
use super::target::TargetArgs;
use super::Verdict;
use anyhow::Result;
use klp_gen::check::{check, By, Finding, Outcome, Report};
use klp_gen::elf::{read_file, ElfFile};
use klp_gen::target::Target;
use serde::Serialize;
use std::io::{self, Write};
use std::path::PathBuf;

/// Say what the kernel will say to a livepatch, before anyone loads it
///
/// Every livepatch section, symbol, relocation and function is looked up as the kernel would, and
/// what it would refuse is reported in its words. Warnings go to stderr.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exit status: 0 the kernel takes it, 1 it refuses, 2 the given files do not tell."
)]
pub struct Args {
    /// The livepatch
    #[arg(value_name = "LIVEPATCH.ko")]
    livepatch: PathBuf,

    #[command(flatten)]
    target: TargetArgs,

    #[command(flatten)]
    format: FormatArg,
}

/// One finding; the fields are an interface: `README.md` has what they mean.
#[derive(Debug, Serialize)]
struct Row<'r> {
    kind: &'static str,
    object: &'r str,
    subject: &'r str,
    status: &'static str,
    address: Option<Address>,
    name: Option<&'r str>,
    /// Who refuses: the `kernel`, or `klp-gen` what the kernel would take.
    by: Option<&'static str>,
    /// Why it is refused or unchecked.
    message: Option<String>,
    /// What the kernel takes, but its author may not have meant.
    warnings: &'r [String],
}

/// Runs the command.
pub fn run(args: &Args) -> Result<Verdict> {
    let files = args.target.open()?;
    let target = Target::load(&files)?;
    let data = read_file(&args.livepatch)?;
    let elf = ElfFile::parse(args.livepatch.display().to_string(), &data[..])?;
    let report = check(&elf, &target, args.target.policy)?;
    match args.format.format {
        Format::Json => output::json(report.findings.iter().map(row))?,
        Format::Table => output::text(|out| print(out, &report))?,
    }
    warn(&report);
    Ok(if report.refusals().next().is_some() {
        Verdict::No
    } else if report.unchecked().next().is_some() {
        Verdict::CouldNotRun
    } else {
        Verdict::Yes
    })
}

/// Prints the warnings of a report on stderr.
pub fn warn(report: &Report) {
    for finding in &report.findings {
        for warning in &finding.warnings {
            let kind = finding.kind.as_str();
            let subject = &finding.subject;
            message(&format_args!("warning: {kind} {subject}: {warning}"));
        }
    }
}

fn row(finding: &Finding) -> Row<'_> {
    let (address, name) = match &finding.outcome {
        Outcome::Resolved { address, name } => (Some(Address(*address)), Some(name.as_str())),
        _ => (None, None),
    };
    Row {
        kind: finding.kind.as_str(),
        object: &finding.object,
        subject: &finding.subject,
        status: finding.status(),
        address,
        name,
        by: finding.by().map(By::as_str),
        message: finding.message(),
        warnings: &finding.warnings,
    }
}

/// Prints a report for people.
pub fn print(out: &mut dyn Write, report: &Report) -> io::Result<()> {
    for finding in &report.findings {
        let kind = finding.kind.as_str();
        write!(
            out,
            "{:<9} {kind:<10} {}",
            finding.status(),
            finding.subject
        )?;
        if let Outcome::Resolved { address, name } = &finding.outcome {
            write!(out, " = {address:016x} {name}")?;
            if finding.object != "vmlinux" {
                write!(out, " [{}]", finding.object)?;
            }
        }
        let message = finding.message();
        for (i, text) in message.iter().chain(&finding.warnings).enumerate() {
            write!(out, "{} {text}", if i == 0 { ":" } else { ";" })?;
        }
        if finding.by() == Some(By::KlpGen) {
            out.write_all(b" (klp-gen refuses it, the kernel would not)")?;
        }
        writeln!(out)?;
    }
    let refused = report.refusals().count();
    let unchecked = report.unchecked().count();
    let total = report.findings.len();
    writeln!(
        out,
        "{total} checked, {refused} refused, {unchecked} not known"
    )
}
