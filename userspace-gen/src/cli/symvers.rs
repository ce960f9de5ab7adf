// SPDX-License-Identifier: GPL-2.0 OR MIT

//! `klp-gen symvers`

use super::calls::{self, CallArgs};
use super::options::target::{SymversArgs, TargetArgs};
use super::ui::{Console, Verdict};
use anyhow::Result;
use klp_gen::build::calls::Function;
use klp_gen::convert::references::References;
use klp_gen::convert::ResolvedReference;
use klp_gen::file::read_file;
use klp_gen::file::{expect_no_input, write_file};
use klp_gen::printable::shown;
use klp_gen::target::Target;
use std::path::PathBuf;

/// List a livepatch's references to kernel internals for modpost
///
/// modpost reports an error for every reference that is not exported. This command writes a Module.symvers
/// of the references that `klp-gen convert` will resolve, and refuses all others, with suggestions. Give
/// the file to modpost by `KBUILD_EXTRA_SYMBOLS`; Makefile.livepatch does all of this.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  # for the objects of a livepatch, before modpost
  $ klp-gen symvers livepatch.ko -o livepatch.symvers --vmlinux vmlinux

Exit status: 0 written, 1 a reference cannot be resolved, 2 could not run; with 1 and 2 the output is
unchanged.")]
pub struct Args {
    /// The objects of livepatches, as the compiler leaves them
    #[arg(value_name = "OBJECT", required = true)]
    objects: Vec<PathBuf>,

    /// The file to write the list to
    #[arg(short, long, value_name = "OUT")]
    output: PathBuf,

    #[command(flatten)]
    target: TargetArgs,

    #[command(flatten)]
    symvers: SymversArgs,

    #[command(flatten)]
    calls: CallArgs,

    /// An object of another module that modpost reads in the same run, for its exports; may be given
    /// several times
    #[arg(long, value_name = "OBJECT")]
    beside: Vec<PathBuf>,
}

/// Runs the command.
pub fn run(args: &Args, console: &Console) -> Result<Verdict> {
    let read = args
        .objects
        .iter()
        .chain(&args.beside)
        .map(PathBuf::as_path);
    let read = args.target.paths().chain(args.symvers.paths()).chain(read);
    expect_no_input(&args.output, read)?;
    let files = args.target.open()?;
    let mut symvers = args.symvers.open()?;
    for path in &args.beside {
        symvers.add_object(&path.display().to_string(), &read_file(path)?)?;
    }
    let mut objects = Vec::new();
    for path in &args.objects {
        let (origin, data) = (path.display().to_string(), read_file(path)?);
        // A livepatch may use the exports of another livepatch.
        symvers.add_object(&origin, &data)?;
        objects.push((origin, data));
    }
    let target = Target::load(&files)?.with_symvers(symvers);
    console.target(&target, None, Some(args.target.policy));
    console.mismatches(&target);
    let mut references = References::default();
    let mut verdict = Verdict::Yes;
    for (origin, data) in &objects {
        let known = references.meanings().len();
        let problems = references.add(origin, data, &target, args.target.policy)?;
        for problem in problems {
            console.error(&format_args!("{origin}: {problem}"));
            verdict = Verdict::No;
        }
        let new = references.meanings().get(known..).unwrap_or_default();
        for problem in refused_calls(origin, data, args, &target, new, console)? {
            console.error(&format_args!("{origin}: {problem}"));
            verdict = Verdict::No;
        }
    }
    if verdict == Verdict::Yes {
        write_file(&args.output, &references.to_symvers())?;
    }
    Ok(verdict)
}

/// Returns the refusals of references to static functions that have other arguments in the kernel's code than in the
/// source.
fn refused_calls(
    origin: &str,
    data: &[u8],
    args: &Args,
    target: &Target<'_>,
    references: &[ResolvedReference],
    console: &Console,
) -> Result<Vec<String>> {
    let objects: Vec<_> = references.iter().map(|r| shown(&r.object)).collect();
    let functions = references.iter().zip(&objects).map(|(r, object)| Function {
        object,
        name: r.full_name.as_bytes(),
        address: r.address,
        is_replaced: false,
    });
    let functions: Vec<_> = functions.collect();
    let compared = calls::compare(origin, data, target, &functions, console)?;
    let refused = references
        .iter()
        .zip(&compared)
        .filter_map(|(reference, comparison)| {
            let is_refused =
                comparison.is_refused() && !args.calls.allow(reference.full_name.as_bytes());
            let why = calls::advice(comparison, false).filter(|_| is_refused)?;
            Some(format!("reference {}: {why}", reference.written))
        });
    Ok(refused.collect())
}
