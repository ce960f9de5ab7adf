// SPDX-License-Identifier: GPL-2.0 OR MIT

//! `klp-gen convert`

use super::check::warn;
use super::console::Console;
use super::output::{Address, Format, FormatArg};
use super::page::{Look, Page};
use super::target::TargetArgs;
use super::Verdict;
use anyhow::Result;
use klp_gen::convert::{convert, Conversion, Problem, Reference, Symvers};
use klp_gen::elf::read_file;
use klp_gen::output::{expect_no_input, write_file};
use klp_gen::shown::shown;
use klp_gen::target::Target;
use serde::Serialize;
use std::io;
use std::path::PathBuf;

/// What a signed module ends with: `MODULE_SIG_STRING` in the kernel's `module_signature.h`.
const SIGNATURE: &[u8] = b"~Module signature appended~\n";

/// Turn a livepatch's references to kernel internals into livepatch relocations
///
/// A reference is an undefined symbol that nobody exports. Its name must be unique, unless the author
/// says which symbol is meant: `.klp.sym.<objname>.<name>,<position>`. The result is checked as
/// `klp-gen check` does before it gets its name. It comes last: linkers and strip do not understand
/// the result.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  # for a kernel with klp_sympos
  $ klp-gen convert livepatch.ko -o out.ko --vmlinux vmlinux
  # for the same kernel without it: exact names, good for this one build
  $ klp-gen convert livepatch.ko -o exact.ko --vmlinux vmlinux --policy exact

Exit status: 0 written, 1 a reference cannot be resolved or the kernel would refuse the result, 2 could
not run; with 1 and 2 the output is left as it was.")]
pub struct Args {
    /// The livepatch, as modpost leaves it
    #[arg(value_name = "IN")]
    input: PathBuf,

    /// Where to write the converted livepatch
    #[arg(short, long, value_name = "OUT")]
    output: PathBuf,

    #[command(flatten)]
    target: TargetArgs,

    /// What else exports symbols: Module.symvers of a build; may be given several times
    #[arg(long, value_name = "FILE")]
    symvers: Vec<PathBuf>,

    #[command(flatten)]
    format: FormatArg,
}

/// What came of one reference; the fields are an interface: docs/schema/convert.json.
#[derive(Debug, Serialize)]
struct Row<'c> {
    reference: &'c str,
    status: Status,
    symbol: Option<String>,
    address: Option<Address>,
    name: Option<&'c str>,
    message: Option<&'c str>,
    candidates: &'c [String],
}

#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Status {
    Converted,
    Refused,
}

impl<'c> Row<'c> {
    fn converted(reference: &'c Reference) -> Self {
        Self {
            reference: &reference.written,
            status: Status::Converted,
            symbol: Some(livepatch_name(reference)),
            address: Some(Address(reference.address)),
            name: Some(&reference.full_name),
            message: None,
            candidates: &[],
        }
    }

    fn refused(problem: &'c Problem) -> Self {
        Self {
            reference: &problem.subject,
            status: Status::Refused,
            symbol: None,
            address: None,
            name: None,
            message: Some(&problem.why),
            candidates: problem.shown_candidates(),
        }
    }
}

/// Runs the command.
pub fn run(args: &Args, console: &Console) -> Result<Verdict> {
    let symvers = args.symvers.iter().map(PathBuf::as_path);
    expect_no_input(&args.output, args.target.paths().chain(symvers))?;
    let files = args.target.open()?;
    let target = Target::load(&files)?;
    console.target(&target, Some(args.target.policy));
    let symvers = Symvers::open(&args.symvers)?;
    let data = read_file(&args.input)?;
    let origin = args.input.display().to_string();
    let converted = match convert(&origin, &data, &target, &symvers, args.target.policy)? {
        Conversion::Done(converted) => converted,
        Conversion::Refused(problems) => {
            if args.format.format == Format::Json {
                console.json(problems.iter().map(Row::refused))?;
            }
            for problem in problems {
                console.error(&format_args!("{origin}: {problem}"));
            }
            return Ok(Verdict::No);
        }
    };
    if data.ends_with(SIGNATURE) {
        let what = "its signature is gone, sign the result";
        console.warning(&format_args!("{origin}: {what}"));
    }
    write_file(&args.output, &converted.bytes)?;
    let mut references = converted.references.iter().take(console.rows());
    match args.format.format {
        Format::Json => console.json(references.map(Row::converted))?,
        Format::Table => {
            console.table(|page| references.try_for_each(|reference| print(page, reference)))?;
        }
    }
    if converted.references.is_empty() {
        let (output, what) = (args.output.display(), "no reference needs to be converted");
        console.note(&format_args!(
            "{origin}: {what}, {output} is a checked copy"
        ));
    }
    warn(&converted.report, console);
    for finding in converted.report.unchecked() {
        let (kind, subject) = (finding.kind.as_str(), &finding.subject);
        let why = finding.message().unwrap_or_default();
        console.warning(&format_args!("{kind} {subject} was not checked: {why}"));
    }
    Ok(Verdict::Yes)
}

fn livepatch_name(reference: &Reference) -> String {
    shown(&reference.livepatch_name().unwrap_or_default())
}

fn print(page: &mut Page<'_>, reference: &Reference) -> io::Result<()> {
    let Reference {
        written,
        full_name,
        address,
        ..
    } = reference;
    let name = page.paint(Look::Heading, livepatch_name(reference));
    page.line(
        4,
        format_args!("{written} -> {name} = {address:016x} {full_name}"),
    )
}
