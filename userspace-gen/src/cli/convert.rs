// SPDX-License-Identifier: GPL-2.0 OR MIT

//! `klp-gen convert`

use super::calls::{self, CallArgs};
use super::check::{verdict, warn};
use super::options::format::{Format, FormatArg};
use super::options::target::{SymversArgs, TargetArgs};
use super::ui::json::Address;
use super::ui::{Console, Look, Page, Verdict};
use anyhow::Result;
use klp_gen::build::calls::Function;
use klp_gen::check::{self, check_file, By, Finding, Refusal, Report};
use klp_gen::convert::kernel_name::KernelName;
use klp_gen::convert::problem::NameKind;
use klp_gen::convert::{convert, Conversion, Converted, OldName, Problem, ResolvedReference};
use klp_gen::file::read_file;
use klp_gen::file::{expect_no_input, write_file};
use klp_gen::livepatch::Modinfo;
use klp_gen::printable::shown;
use klp_gen::target::{Object, Target};
use serde::Serialize;
use std::borrow::Cow;
use std::io;
use std::path::PathBuf;

/// The end of a signed module: `MODULE_SIG_STRING` in the kernel's `module_signature.h`.
const SIGNATURE: &[u8] = b"~Module signature appended~\n";

/// Turn a livepatch's references to kernel internals into livepatch relocations
///
/// A reference is an undefined symbol that is not exported; it may be weak. The name must be unique, unless
/// the author chooses a symbol: `.klp.sym.<objname>.<name>,<position>`. The result is checked as by
/// `klp-gen check`, and only written if that refuses nothing. The conversion is the last step of a build:
/// linkers and strip do not understand its result.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  # for a kernel with klp_sympos
  $ klp-gen convert livepatch.ko -o out.ko --vmlinux vmlinux
  # for the same kernel without it: exact names, which are valid for this build only
  $ klp-gen convert livepatch.ko -o exact.ko --vmlinux vmlinux --policy exact

Exit status: 0 written, 1 a reference cannot be resolved or the kernel would refuse the result, 2 could
not run; with 1 and 2 the output is unchanged.")]
pub struct Args {
    /// The livepatch, as modpost leaves it
    #[arg(value_name = "IN")]
    input: PathBuf,

    /// The file to write the converted livepatch to
    #[arg(short, long, value_name = "OUT")]
    output: PathBuf,

    #[command(flatten)]
    target: TargetArgs,

    #[command(flatten)]
    symvers: SymversArgs,

    #[command(flatten)]
    calls: CallArgs,

    #[command(flatten)]
    format: FormatArg,
}

/// The outcome for one name; the fields are an interface: docs/schema/convert.json.
#[derive(Debug, Serialize)]
struct Row<'c> {
    kind: &'static str,
    reference: &'c str,
    status: Status,
    object: Option<String>,
    symbol: Option<String>,
    address: Option<Address>,
    name: Option<&'c str>,
    file: Option<&'c str>,
    message: Option<Cow<'c, str>>,
    candidates: &'c [String],
}

#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Status {
    Converted,
    Refused,
}

impl<'c> Row<'c> {
    fn converted(reference: &'c ResolvedReference) -> Self {
        Self {
            kind: NameKind::Reference.as_str(),
            reference: &reference.written,
            status: Status::Converted,
            object: Some(shown(&reference.object)),
            symbol: Some(livepatch_name(reference)),
            address: Some(Address(reference.address)),
            name: Some(&reference.full_name),
            file: reference.file.as_deref(),
            message: None,
            candidates: &[],
        }
    }

    fn replaced(function: &'c OldName) -> Self {
        let KernelName { name, sympos } = &function.kernel_name;
        Self {
            kind: NameKind::Function.as_str(),
            reference: &function.written,
            status: Status::Converted,
            object: Some(function.object.clone()),
            symbol: Some(format!("{},{sympos}", shown(name))),
            address: Some(Address(function.address)),
            name: Some(&function.full_name),
            file: function.file.as_deref(),
            message: None,
            candidates: &[],
        }
    }

    fn refused(problem: &'c Problem) -> Self {
        Self {
            kind: problem.kind.as_str(),
            reference: &problem.subject,
            status: Status::Refused,
            object: None,
            symbol: None,
            address: None,
            name: None,
            file: None,
            message: Some(Cow::Borrowed(&problem.why)),
            candidates: problem.shown_candidates(),
        }
    }

    fn refused_call(call: &'c RefusedCall) -> Self {
        Self {
            kind: call.kind.as_str(),
            reference: &call.subject,
            status: Status::Refused,
            object: None,
            symbol: None,
            address: None,
            name: Some(&call.name),
            file: None,
            message: Some(Cow::Borrowed(&call.why)),
            candidates: &[],
        }
    }

    fn rejected(finding: &'c Finding) -> Self {
        Self {
            kind: finding.kind.as_str(),
            reference: &finding.subject,
            status: Status::Refused,
            object: None,
            symbol: None,
            address: None,
            name: None,
            file: None,
            message: finding.message().map(Cow::Owned),
            candidates: &[],
        }
    }
}

/// Runs the command.
pub fn run(args: &Args, console: &Console) -> Result<Verdict> {
    let read = args.target.paths().chain(args.symvers.paths());
    expect_no_input(&args.output, read)?;
    let files = args.target.open()?;
    let target = Target::load(&files)?.with_symvers(args.symvers.open()?);
    let data = read_file(&args.input)?;
    let vermagic = Modinfo::vermagic_of_file(&data);
    console.target(&target, vermagic, Some(args.target.policy));
    let origin = args.input.display().to_string();
    let form = args.format.format;
    match convert(&origin, &data, &target, args.target.policy)? {
        Conversion::Done(converted) => {
            let refused = refused_calls(&origin, &data, args, &target, &converted, console)?;
            if !refused.is_empty() {
                if form == Format::Json {
                    console.json(refused.iter().map(Row::refused_call))?;
                }
                for call in &refused {
                    let (kind, subject) = (call.kind.as_str(), &call.subject);
                    let (name, why) = (&call.name, &call.why);
                    console.error(&format_args!("{origin}: {kind} {subject}: {name}: {why}"));
                }
                return Ok(Verdict::No);
            }
            if data.ends_with(SIGNATURE) {
                let what = "the signature was removed: sign the result";
                console.warning(&format_args!("{origin}: {what}"));
            }
            write_file(&args.output, &converted.bytes)?;
            done(&origin, args, &target, &converted, console)
        }
        Conversion::Refused(problems) => {
            // If the livepatch is for another kernel, these refusals explain the problems best.
            let policy = args.target.policy;
            let report = check_file(origin.clone(), &data, &target, policy, &[])?;
            let module = report.refusals().filter(|(finding, refusal)| {
                finding.kind == check::Kind::Module
                    && !matches!(
                        refusal,
                        Refusal::NotLivepatch { .. } | Refusal::InitReadsNull { .. }
                    )
            });
            let module: Vec<_> = module.collect();
            if form == Format::Json {
                let rows = module.iter().map(|(finding, _)| Row::rejected(finding));
                console.json(rows.chain(problems.iter().map(Row::refused)))?;
            }
            for (finding, refusal) in module {
                say_refused(&origin, finding, refusal, console);
            }
            console.mismatches(&target);
            for problem in problems {
                console.error(&format_args!("{origin}: {problem}"));
            }
            Ok(Verdict::No)
        }
        Conversion::Rejected(report) => rejected(&origin, form, &report, console),
    }
}

/// A reference or replacement that cannot be right, because the kernel's code has other arguments than the source.
struct RefusedCall {
    kind: NameKind,
    /// The name as the author wrote it.
    subject: String,
    /// The full name of the function.
    name: String,
    why: String,
}

/// Compares the static functions that a livepatch calls or replaces with the kernel's code.
fn refused_calls(
    origin: &str,
    data: &[u8],
    args: &Args,
    target: &Target<'_>,
    converted: &Converted,
    console: &Console,
) -> Result<Vec<RefusedCall>> {
    let objects: Vec<_> = converted
        .references
        .iter()
        .map(|r| shown(&r.object))
        .collect();
    let references = converted
        .references
        .iter()
        .zip(&objects)
        .map(|(r, object)| {
            let function = Function {
                object,
                name: r.full_name.as_bytes(),
                address: r.address,
                is_replaced: false,
            };
            (NameKind::Reference, &r.written, function)
        });
    let replaced = converted.functions.iter().map(|f| {
        let function = Function {
            object: &f.object,
            name: f.full_name.as_bytes(),
            address: f.address,
            is_replaced: true,
        };
        (NameKind::Function, &f.written, function)
    });
    let all: Vec<_> = references.chain(replaced).collect();
    let functions: Vec<_> = all.iter().map(|(.., function)| *function).collect();
    let compared = calls::compare(origin, data, target, &functions, console)?;
    let mut refused = Vec::new();
    for ((kind, written, function), comparison) in all.into_iter().zip(&compared) {
        let is_replaced = kind == NameKind::Function;
        let Some(why) = calls::advice(comparison, is_replaced) else {
            continue;
        };
        let name = shown(function.name);
        if args.calls.allow(function.name) {
            continue;
        }
        if comparison.is_refused() {
            refused.push(RefusedCall {
                kind,
                subject: written.clone(),
                name,
                why,
            });
        } else {
            console.warning(&format_args!(
                "{origin}: {} {written}: {why}",
                kind.as_str()
            ));
        }
    }
    Ok(refused)
}

/// Prints the converted references and functions.
fn done(
    origin: &str,
    args: &Args,
    target: &Target<'_>,
    converted: &Converted,
    console: &Console,
) -> Result<Verdict> {
    let Converted {
        references,
        functions,
        report,
        ..
    } = converted;
    let rows = references.iter().map(Row::converted);
    let rows = rows.chain(functions.iter().map(Row::replaced));
    let mut rows = console.rows(rows);
    match args.format.format {
        Format::Json => console.json(rows)?,
        Format::Table => console.table(|page| rows.try_for_each(|row| print(page, &row)))?,
    }
    if references.is_empty() && args.output != args.input {
        let (output, what) = (args.output.display(), "no reference needs to be converted");
        console.note(&format_args!(
            "{origin}: {what}, {output} is a checked copy"
        ));
    }
    let lacks_link_order = target.objects().iter().any(Object::lacks_link_order);
    // A position of another build may be a symbol of another file, which only the file's name shows.
    let chosen = references
        .iter()
        .map(|r| (r.by_position, &r.written, &r.file));
    let chosen = chosen.chain(
        functions
            .iter()
            .map(|f| (f.by_position, &f.written, &f.file)),
    );
    for (by_position, written, file) in chosen {
        match file {
            Some(file) if by_position => {
                console.note(&format_args!("{origin}: {written} = {file}"));
            }
            None if by_position && lacks_link_order => console.note(&format_args!(
                "{origin}: {written}: the source file of that position is not known (give vmlinux.a \
                with --link-order)"
            )),
            _ => {}
        }
    }
    mention(report, console);
    Ok(Verdict::Yes)
}

/// Prints the refusals for which nothing was written.
fn rejected(origin: &str, form: Format, report: &Report, console: &Console) -> Result<Verdict> {
    if form == Format::Json {
        console.json(report.refusals().map(|(finding, _)| Row::rejected(finding)))?;
    }
    for (finding, refusal) in report.refusals() {
        say_refused(origin, finding, refusal, console);
    }
    mention(report, console);
    Ok(verdict(report))
}

fn say_refused(origin: &str, finding: &Finding, refusal: &Refusal, console: &Console) {
    let by = match refusal.by() {
        By::Kernel => "the kernel would refuse",
        By::KlpGen => "klp-gen refuses (the kernel would not)",
    };
    let what = format!("{} {}", finding.kind.as_str(), finding.subject);
    let what = what.trim_end();
    console.error(&format_args!("{origin}: {by} {what}: {refusal}"));
}

/// Prints warnings: suspicious input, and findings that the given files do not decide.
fn mention(report: &Report, console: &Console) {
    warn(report, console);
    for finding in report.unchecked() {
        let (kind, subject) = (finding.kind.as_str(), &finding.subject);
        let why = finding.message().unwrap_or_default();
        console.warning(&format_args!("{kind} {subject} was not checked: {why}"));
    }
}

fn livepatch_name(reference: &ResolvedReference) -> String {
    shown(&reference.livepatch_name().unwrap_or_default())
}

fn print(page: &mut Page<'_>, row: &Row<'_>) -> io::Result<()> {
    let (written, name) = (row.reference, row.name.unwrap_or_default());
    let symbol = page.paint(Look::Heading, row.symbol.as_deref().unwrap_or_default());
    let address = row.address.map_or(0, |address| address.0);
    let file = row
        .file
        .map_or_else(String::new, |file| format!(" ({file})"));
    // The name of a livepatch symbol contains its object.
    let module = match row.object.as_deref() {
        Some(module) if row.kind == NameKind::Function.as_str() && module != "vmlinux" => {
            format!(" [{module}]")
        }
        _ => String::new(),
    };
    page.line(
        4,
        format_args!("{written} -> {symbol} = {address:016x} {name}{module}{file}"),
    )
}
