// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Holds `klp-gen collisions` to what the linker does, with suffixes and without.

mod answers;
mod link;
mod planted;
mod rows;

use crate::host::{klp_gen, run};
use crate::kernel::{Kernel, Link};
use crate::report::clock::took;
use crate::report::progress;
use crate::report::tally::Tally;
use answers::{answers, expect};
use anyhow::Result;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

/// Runs what can be said of the kernel of a lane.
///
/// # Errors
///
/// Fails if a tool cannot be run.
pub fn check(kernel: &Kernel, tally: &mut Tally, logs: &Path) -> Result<()> {
    let klp_gen = klp_gen::release(logs)?;
    let found = of_kernel(&klp_gen, kernel)?;
    match kernel.lane.link {
        Link::Default | Link::Btf => {
            expect(tally, "collisions of the kernel", &found, &[]);
            promotions_are_foreseen(kernel, tally);
            Ok(())
        }
        Link::SuffixReduction => {
            expect(tally, "collisions of the kernel", &found, &planted::FOUND);
            rows::check(&klp_gen, kernel, tally, &logs.join("collisions"))?;
            planted::check(&klp_gen, kernel, tally, &logs.join("collisions"))
        }
    }
}

/// Returns what `klp-gen collisions` finds in the inputs of the kernel's link, as `name kind effect`.
fn of_kernel(klp_gen: &Path, kernel: &Kernel) -> Result<Vec<String>> {
    let mut command = Command::new(klp_gen);
    command.current_dir(&kernel.build).args([
        "collisions",
        "--llvm=-22",
        "--format=json",
        "--linker-script=arch/x86/kernel/vmlinux.lds",
        "vmlinux.a",
    ]);
    run::announce(&command);
    let start = Instant::now();
    let found = answers(&mut command)?;
    let time = took(start.elapsed());
    progress::note(&format!("klp-gen collisions: {} in {time}", found.len()));
    Ok(found)
}

/// Every static that this link did promote is one that `klp-gen collisions` takes for promotable.
fn promotions_are_foreseen(kernel: &Kernel, tally: &mut Tally) {
    let mut oracle = klp_gen::example("promoted_oracle");
    for input in ["vmlinux", "vmlinux.a"] {
        oracle.arg(kernel.build.join(input));
        if input == "vmlinux" {
            oracle.arg("-22");
        }
    }
    run::announce(&oracle);
    match run::captured(&mut oracle) {
        Ok(text) => {
            progress::note(text.trim());
            tally.pass();
        }
        Err(error) => tally.fail("promoted statics".to_owned(), format!("{error:#}")),
    }
}
