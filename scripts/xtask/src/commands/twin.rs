// SPDX-License-Identifier: GPL-2.0 OR MIT

//! `cargo xtask twin`: the functions that `klp-gen build` finds, and those that really differ.

use super::corpus::{RealFixArgs, RealFixes};
use crate::host::{klp_gen, paths};
use crate::report::outcome::Outcome;
use crate::report::progress;
use crate::suite::corpus::{self, AnswerKind};
use crate::suite::twin::{self, Twin};
use anyhow::{ensure, Result};

/// Build kernels with real fixes, and compare what differs with what `klp-gen build` replaces.
///
/// The patches are those of `cargo xtask corpus`. kbuild builds the kernel with each of them, in a copy of its build,
/// and the whole kernels are compared. Fails if a function differs that the livepatch leaves out, or the other way
/// round.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    fixes: RealFixArgs,
    /// Take N patches of which there can be a livepatch.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..))]
    count: u16,
    /// Build one kernel with N of the patches, which saves time. If it differs, find the patch with 1.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..))]
    together: u16,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<Outcome> {
    let logs = paths::new_log_dir("twin")?;
    let RealFixes {
        kernel,
        older,
        patches,
    } = args.fixes.prepare(&logs)?;
    let patches: Vec<_> = spread(patches.len())
        .map(|at| patches[at].clone())
        .collect();
    let mut built = corpus::build(
        &kernel,
        &klp_gen::release(&logs)?,
        &patches,
        Some(args.count.into()),
        &logs.join("built"),
    )?;
    built.retain(|one| one.answer.kind() == AnswerKind::Built);
    ensure!(!built.is_empty(), "no patch became a livepatch");
    let twins = twin::twins(&kernel, &built, args.together.into(), &older, &logs)?;
    progress::finish(&logs);
    print(&twins);
    Ok(Outcome::from_bool(twins.iter().all(Twin::agrees)))
}

/// Returns the numbers below `count`, in an order of which each beginning is spread evenly.
fn spread(count: usize) -> impl Iterator<Item = usize> {
    let has_common =
        |step: usize| (2..=step).any(|by| step.is_multiple_of(by) && count.is_multiple_of(by));
    // The golden section.
    let step = (count * 618 / 1000..count).find(|&step| step > 0 && !has_common(step));
    let step = step.unwrap_or(1);
    (0..count).map(move |number| number * step % count)
}

fn print(twins: &[Twin]) {
    println!("| patch | functions, klp-gen | of these, in the twin | klp-gen, s | kernel |");
    println!("| --- | ---: | ---: | ---: | ---: |");
    let numbered = || (1..).zip(twins);
    for (number, twin) in numbered() {
        for patch in &twin.patches {
            println!(
                "| `{}` | {} | {} | {:.1} | {number} |",
                patch.file,
                patch.ours.len(),
                patch.ours.len() - patch.more.len(),
                patch.time.as_secs_f64(),
            );
        }
    }
    for (number, twin) in numbered() {
        let seconds = twin.kbuild.as_secs_f64();
        let word = if twin.agrees() { "equal" } else { "not equal" };
        println!("kernel {number}: {word}, {seconds:.1} s of kbuild");
        for patch in &twin.patches {
            for name in &patch.more {
                println!("  {}: {name} does not differ", patch.file);
            }
        }
        for name in &twin.missing {
            println!("  {name} differs, and is in no livepatch");
        }
        for name in &twin.data {
            println!("  {name} is data and differs");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_number_comes_once_and_early_ones_are_spread() {
        for count in [1, 2, 7, 20, 311] {
            let mut all: Vec<_> = spread(count).collect();
            let early = all.iter().take(5).copied().collect::<Vec<_>>();
            assert!(
                count < 20 || early.iter().any(|&at| at > count / 2),
                "{early:?}"
            );
            all.sort_unstable();
            assert_eq!(all, (0..count).collect::<Vec<_>>());
        }
    }
}
