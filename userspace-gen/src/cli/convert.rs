// SPDX-License-Identifier: GPL-2.0 OR MIT

//! `klp-gen convert`

use super::check::warn;
use super::target::{PolicyArg, TargetArgs};
use super::Verdict;
use anyhow::Result;
use klp_gen::convert::{convert, Conversion, Reference, Symvers};
use klp_gen::elf::read_file;
use klp_gen::output::write_file;
use klp_gen::target::Target;
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
    policy: PolicyArg,

    /// Do not say what was written
    #[arg(short, long)]
    quiet: bool,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<Verdict> {
    let files = args.target.open()?;
    let target = Target::load(&files)?;
    let symvers = Symvers::open(&args.symvers)?;
    let data = read_file(&args.input)?;
    let origin = args.input.display().to_string();
    let converted = match convert(&origin, &data, &target, &symvers, args.policy.policy)? {
        Conversion::Done(converted) => converted,
        Conversion::Refused(problems) => {
            for problem in problems {
                eprintln!("klp-gen: {origin}: {problem}");
            }
            return Ok(Verdict::No);
        }
    };
    if data.ends_with(SIGNATURE) {
        eprintln!("klp-gen: warning: {origin}: its signature is gone, sign the result");
    }
    write_file(&args.output, &converted.bytes)?;
    if !args.quiet {
        for reference in &converted.references {
            print(reference);
        }
    }
    warn(&converted.report);
    for finding in converted.report.unchecked() {
        let (kind, subject) = (finding.kind.as_str(), &finding.subject);
        let why = finding.message().unwrap_or_default();
        eprintln!("klp-gen: warning: {kind} {subject} was not checked: {why}");
    }
    Ok(Verdict::Yes)
}

fn print(reference: &Reference) {
    let name = reference.livepatch_name().unwrap_or_default();
    let Reference {
        written,
        full_name,
        address,
        ..
    } = reference;
    let name = String::from_utf8_lossy(&name);
    println!("{written} -> {name} = {address:016x} {full_name}");
}
