// SPDX-License-Identifier: GPL-2.0 OR MIT

//! `klp-gen check`

use super::calls::{self, CallArgs};
use super::options::format::{Format, FormatArg};
use super::options::target::{SymversArgs, TargetArgs};
use super::ui::json::Address;
use super::ui::{Console, Look, Page, Verdict};
use anyhow::Result;
use klp_gen::build::calls::Function;
use klp_gen::check::{check_file, By, Finding, Installed, Kind, Outcome, Report};
use klp_gen::elf::ElfFile;
use klp_gen::file::read_file;
use klp_gen::livepatch::Modinfo;
use klp_gen::target::Target;
use serde::Serialize;
use std::fmt::Write as _;
use std::io;
use std::path::PathBuf;

/// Predict the kernel's verdict on a livepatch, before anyone loads it
///
/// Every livepatch section, symbol, relocation and function is checked as the kernel does it, and refusals
/// are reported in the kernel's words. Warnings go to stderr.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  # before it is loaded into a kernel with klp_sympos
  $ klp-gen check out.ko --vmlinux vmlinux
  # the same for programs, with refusals and unchecked findings only
  $ klp-gen check out.ko --vmlinux vmlinux --format json --quiet

Exit status: 0 the kernel accepts it, 1 the kernel or klp-gen refuses it, 2 the given files do not tell.")]
pub struct Args {
    /// The livepatch
    #[arg(value_name = "LIVEPATCH.ko")]
    livepatch: PathBuf,

    /// A livepatch that is enabled when this livepatch is loaded; may be given several times
    #[arg(long, value_name = "LIVEPATCH.ko")]
    installed: Vec<PathBuf>,

    /// `/sys/kernel/notes` of the running kernel, to compare the build id with that of the vmlinux
    #[arg(long, value_name = "FILE", requires = "vmlinux")]
    notes: Option<PathBuf>,

    #[command(flatten)]
    target: TargetArgs,

    #[command(flatten)]
    symvers: SymversArgs,

    #[command(flatten)]
    calls: CallArgs,

    #[command(flatten)]
    format: FormatArg,
}

/// A finding. The fields are an interface: docs/schema/check.json.
#[derive(Debug, Serialize)]
struct Row<'r> {
    kind: &'static str,
    object: &'r str,
    subject: &'r str,
    status: &'static str,
    address: Option<Address>,
    name: Option<&'r str>,
    file: Option<&'r str>,
    /// The party that refuses: `kernel`, or `klp-gen` if the kernel would accept the livepatch.
    by: Option<&'static str>,
    /// The reason for which the subject is refused or unchecked.
    message: Option<String>,
    /// Suspicious input that the kernel accepts.
    warnings: &'r [String],
}

/// Runs the command.
pub fn run(args: &Args, console: &Console) -> Result<Verdict> {
    let files = args.target.open()?;
    let target = Target::load(&files)?.with_symvers(args.symvers.open()?);
    let data = read_file(&args.livepatch)?;
    let vermagic = Modinfo::vermagic_of_file(&data);
    console.target(&target, vermagic, Some(args.target.policy));
    let installed = read_installed(&args.installed)?;
    let installed = parse_installed(&installed)?;
    let origin = args.livepatch.display().to_string();
    let mut report = check_file(
        origin.clone(),
        &data,
        &target,
        args.target.policy,
        &installed,
    )?;
    if let Some(path) = &args.notes {
        report.check_notes(&path.display(), &read_file(path)?, &target);
    }
    warn_of_calls(&origin, &data, &target, args, &mut report, console)?;
    let shown = report.findings.iter();
    let shown = shown.filter(|f| !console.is_quiet() || is_bad(f));
    match args.format.format {
        Format::Json => console.json(shown.map(row))?,
        Format::Table => console.table(|page| print(page, shown, &report, console.is_quiet()))?,
    }
    warn(&report, console);
    Ok(verdict(&report))
}

/// Returns the exit status for a report.
pub fn verdict(report: &Report) -> Verdict {
    if report.refusals().next().is_some() {
        Verdict::No
    } else if report.unchecked().next().is_some() {
        Verdict::CouldNotRun
    } else {
        Verdict::Yes
    }
}

/// Adds a warning to each static function that has other arguments in the kernel's code than in the source.
fn warn_of_calls(
    origin: &str,
    data: &[u8],
    target: &Target<'_>,
    args: &Args,
    report: &mut Report,
    console: &Console,
) -> Result<()> {
    let functions = report
        .findings
        .iter()
        .map(|finding| match &finding.outcome {
            Outcome::Resolved { address, name, .. } => Function {
                object: &finding.object,
                name: name.as_bytes(),
                address: *address,
                is_replaced: finding.kind == Kind::Function,
            },
            _ => Function::default(),
        });
    let functions: Vec<_> = functions.collect();
    let compared = calls::compare(origin, data, target, &functions, console)?;
    for (finding, comparison) in report.findings.iter_mut().zip(&compared) {
        let is_replaced = finding.kind == Kind::Function;
        match &finding.outcome {
            Outcome::Resolved { name, .. } if !args.calls.allow(name.as_bytes()) => (),
            _ => continue,
        }
        finding
            .warnings
            .extend(calls::advice(comparison, is_replaced));
    }
    Ok(())
}

fn read_installed(paths: &[PathBuf]) -> Result<Vec<(String, Vec<u8>)>> {
    let read = |path: &PathBuf| Ok((path.display().to_string(), read_file(path)?));
    paths.iter().map(read).collect()
}

fn parse_installed(files: &[(String, Vec<u8>)]) -> Result<Vec<Installed<'_>>> {
    let mut installed = Vec::new();
    for (origin, data) in files {
        let elf = ElfFile::parse(origin.clone(), &data[..])?;
        installed.push(Installed::read(&elf)?);
    }
    Ok(installed)
}

/// Prints the warnings of a report on stderr.
pub fn warn(report: &Report, console: &Console) {
    for finding in &report.findings {
        for warning in &finding.warnings {
            let kind = finding.kind.as_str();
            let subject = &finding.subject;
            console.warning(&format_args!("{kind} {subject}: {warning}"));
        }
    }
}

/// Returns true if a finding makes the exit status 1 or 2.
fn is_bad(finding: &Finding) -> bool {
    matches!(finding.outcome, Outcome::Refused(_) | Outcome::Unchecked(_))
}

fn row(finding: &Finding) -> Row<'_> {
    let (address, name, file) = match &finding.outcome {
        Outcome::Resolved {
            address,
            name,
            file,
        } => (
            Some(Address(*address)),
            Some(name.as_str()),
            file.as_deref(),
        ),
        _ => (None, None, None),
    };
    Row {
        kind: finding.kind.as_str(),
        object: &finding.object,
        subject: &finding.subject,
        status: finding.status(),
        address,
        name,
        file,
        by: finding.by().map(By::as_str),
        message: finding.message(),
        warnings: &finding.warnings,
    }
}

/// Prints findings as a table.
fn print<'r>(
    page: &mut Page<'_>,
    findings: impl Iterator<Item = &'r Finding>,
    report: &Report,
    quiet: bool,
) -> io::Result<()> {
    for finding in findings {
        let look = match finding.status() {
            "ok" => Look::Good,
            "refused" => Look::Bad,
            _ => Look::Doubtful,
        };
        let status = page.paint(look, finding.status());
        page.line(21, format_args!("{status:<9} {}", in_words(finding)))?;
    }
    if quiet {
        return Ok(());
    }
    let refused = report.refusals().count();
    let unchecked = report.unchecked().count();
    let total = report.findings.len();
    page.line(
        0,
        format_args!("{total} checked, {refused} refused, {unchecked} not known"),
    )
}

/// Returns the subject and the outcome of a finding, in words.
fn in_words(finding: &Finding) -> String {
    let mut text = format!("{:<10} {}", finding.kind.as_str(), finding.subject);
    // Writing to a string does not fail.
    if let Outcome::Resolved {
        address,
        name,
        file,
    } = &finding.outcome
    {
        let _ = write!(text, " = {address:016x} {name}");
        if finding.object != "vmlinux" {
            let _ = write!(text, " [{}]", finding.object);
        }
        if let Some(file) = file {
            let _ = write!(text, " ({file})");
        }
    }
    let message = finding.message();
    for (i, part) in message.iter().chain(&finding.warnings).enumerate() {
        let _ = write!(text, "{} {part}", if i == 0 { ":" } else { ";" });
    }
    if finding.by() == Some(By::KlpGen) {
        text += " (klp-gen refuses it, the kernel would not)";
    }
    text
}
