// SPDX-License-Identifier: GPL-2.0 OR MIT

//! `cargo xtask corpus`: real fixes through `klp-gen build`, and what comes of them in the kernel.

use super::kernel::KernelArgs;
use crate::host::{klp_gen, paths};
use crate::kernel::source::{package, Source};
use crate::kernel::{self, Kernel, Link};
use crate::report::outcome::Outcome;
use crate::report::progress;
use crate::suite::corpus::{self, Answer, AnswerKind, Built};
use anyhow::{ensure, Result};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The real fixes, as patches of a kernel.
#[derive(clap::Args)]
pub struct RealFixArgs {
    #[command(flatten)]
    kernel: KernelArgs,
    /// Take files back to the tree in DIR.
    #[arg(long, value_name = "DIR")]
    older: Option<PathBuf>,
    /// Take only the patches of files whose path contains TEXT.
    #[arg(long, value_name = "TEXT")]
    file: Option<String>,
}

/// A kernel, and patches that take its C files back to an older version.
pub struct RealFixes {
    /// The kernel.
    pub kernel: Kernel,
    /// The tree of the older version.
    pub older: PathBuf,
    /// Each C file with its patch.
    pub patches: Vec<(String, PathBuf)>,
}

impl RealFixArgs {
    /// Builds the kernel if it is not up to date, and writes the patches.
    pub fn prepare(&self, logs: &Path) -> Result<RealFixes> {
        let (lane, origin) = self.kernel.choose(&Link::ALL)?;
        let kernel = kernel::prepare(&lane, &origin, logs)?;
        let source = Source::find(&origin, logs)?;
        let older = match &self.older {
            Some(older) => older.clone(),
            None => package::oldest(&source.series.source, logs)?,
        };
        let mut patches =
            corpus::patches(&kernel, &source.pristine, &older, &logs.join("patches"))?;
        if let Some(text) = &self.file {
            patches.retain(|(file, _)| file.contains(text));
        }
        Ok(RealFixes {
            kernel,
            older,
            patches,
        })
    }
}

/// Build livepatches of the differences between two versions of the kernel, and load them.
///
/// The kernel that runs is of the newest version; each patch takes one of its C files back to the oldest version that
/// Debian's archive has. Fails if a livepatch that was built does not load, work and go.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    fixes: RealFixArgs,
    /// Take every Nth patch only.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    every: u16,
    /// Load none of the livepatches.
    #[arg(long)]
    no_load: bool,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<Outcome> {
    let logs = paths::new_log_dir("corpus")?;
    let RealFixes {
        kernel,
        older,
        patches,
    } = args.fixes.prepare(&logs)?;
    let patches: Vec<_> = patches.into_iter().step_by(args.every.into()).collect();
    ensure!(
        !patches.is_empty(),
        "no C file of the kernel is other than in {}",
        older.display()
    );
    let built = corpus::build(
        &kernel,
        &klp_gen::release(&logs)?,
        &patches,
        None,
        &logs.join("built"),
    )?;
    let tally = if args.no_load {
        None
    } else {
        Some(corpus::load(&kernel, &built, &logs)?)
    };
    progress::finish(&logs);
    print(&built);
    let Some(tally) = tally else {
        return Ok(Outcome::Pass);
    };
    for failure in tally.failures() {
        println!("FAILED {}\n{}", failure.name, failure.reason);
    }
    println!("{} passed, {} failed", tally.passed(), tally.failed());
    Ok(Outcome::from_bool(tally.failed() == 0))
}

/// Prints a line for each patch, and the counts of the kinds.
fn print(all: &[Built]) {
    let mut kinds: BTreeMap<AnswerKind, usize> = BTreeMap::new();
    for one in all {
        let kind = one.answer.kind();
        let (word, text) = match &one.answer {
            Answer::Built { functions, .. } => ("built", functions.join(", ")),
            Answer::Refused { reason, .. } => {
                ("refused", reason.lines().next().unwrap_or_default().into())
            }
        };
        let seconds = one.time.as_secs_f64();
        println!(
            "{word:8} {seconds:6.1} s {:4} MiB  {}: {text}",
            one.peak >> 20,
            one.file
        );
        *kinds.entry(kind).or_default() += 1;
    }
    println!();
    let count = |of: &dyn Fn(&AnswerKind) -> bool| -> usize {
        let some = kinds.iter().filter(|(kind, _)| of(kind));
        some.map(|(_, count)| count).sum()
    };
    for (kind, count) in &kinds {
        let (what, why) = match kind {
            AnswerKind::Built => ("built", ""),
            AnswerKind::Excluded(why) => ("cannot be a livepatch", why.as_str()),
            AnswerKind::Refused(why) => ("refused", why.as_str()),
            AnswerKind::Unusable(why) => ("not counted", why.as_str()),
        };
        println!("{count:6} {what} {why}");
    }
    let built = count(&|kind| *kind == AnswerKind::Built);
    let of = built + count(&|kind| matches!(kind, AnswerKind::Refused(_)));
    let seconds: f64 = all.iter().map(|one| one.time.as_secs_f64()).sum();
    println!(
        "{} patches, {seconds:.0} s of processor time; {built} built of the {of} that a livepatch may do",
        all.len()
    );
}
