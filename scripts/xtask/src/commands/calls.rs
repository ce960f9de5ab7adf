// SPDX-License-Identifier: GPL-2.0 OR MIT

//! `cargo xtask calls`: a second opinion on the functions that the optimiser gave other arguments.

use super::kernel::KernelArgs;
use crate::host::paths;
use crate::kernel::Link;
use crate::report::outcome::Outcome;
use crate::report::progress::{self, Step};
use crate::suite::calls::{self, Function};
use anyhow::Result;

/// Compare what klp-gen says of static functions with the debug information of the kernel's code.
///
/// klp-gen compares the source with the code. LLVM notes in the debug information which functions it gave other
/// arguments (`DW_CC_nocall`). The command compares both for the static functions of the lane btf, and fails if they
/// differ.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    kernel: KernelArgs,
    /// Take every Nth C file only.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    every: u16,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<Outcome> {
    let logs = paths::new_log_dir("calls")?;
    let kernel = args.kernel.prepare(&[Link::Btf], &logs)?;
    let mut step = Step::begin("compare calls", "files", None);
    let cache = logs.join("cache");
    let compared = calls::compare(&kernel.build, &cache, args.every.into(), |at, of| {
        step.update(Some(at), &format!("of {of}"));
    });
    step.end(None);
    let compared = compared?;
    progress::finish(&logs);
    for (what, functions) in [
        ("only klp-gen has", &compared.only_klp_gen),
        ("only DWARF has", &compared.only_dwarf),
    ] {
        for Function { file, name, call } in functions {
            println!("{what} {name} of {}: {call}", file.display());
        }
    }
    println!(
        "{} files, {} static functions: {} with other arguments or results, {} of these in DWARF as well; {} in DWARF only",
        compared.files,
        compared.functions,
        compared.both + compared.only_klp_gen.len(),
        compared.both,
        compared.only_dwarf.len(),
    );
    let is_same = compared.only_klp_gen.is_empty() && compared.only_dwarf.is_empty();
    Ok(Outcome::from_bool(is_same))
}
