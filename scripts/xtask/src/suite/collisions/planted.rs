// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The collisions that are planted in the kernel of the lane suffix-reduction: what its link is like
//! without the cure. That both functions work with it is what the boot `collisions` sees.

use super::answers::{answers, expect};
use super::link::{link, symbols, Linked};
use crate::kernel::Kernel;
use crate::report::tally::Tally;
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The collisions that `klp-gen collisions` has to find.
pub const FOUND: [&str; 2] = [
    "klp_planted_strong strong loud",
    "klp_planted_weak weak silent",
];

/// The object that the kernel's build makes by `klp-gen collisions --reserve`.
const RESERVED: &str = ".vmlinux.reserved.o";

/// Links vmlinux.o again, without any of the cure, then with that of the loud collision alone.
///
/// # Errors
///
/// Fails if a tool cannot be run.
pub fn check(klp_gen: &Path, kernel: &Kernel, tally: &mut Tally, logs: &Path) -> Result<()> {
    match link(&mut without_reserved(kernel, &logs.join("strong.o"), None)?)? {
        Linked::Failed(words) if words.contains("duplicate symbol: klp_planted_strong") => {
            tally.pass();
        }
        other => tally.fail(
            "collisions: planted: strong, without the cure".to_owned(),
            format!("expected a duplicate symbol, found {other:?}"),
        ),
    }
    let half = logs.join("reserved.o");
    reserve_strong(klp_gen, kernel, &half)?;
    let vmlinux = logs.join("weak.o");
    let linked = link(&mut without_reserved(kernel, &vmlinux, Some(&half))?)?;
    let name = "klp_planted_weak";
    let found = match linked {
        Linked::Made => symbols(kernel, &vmlinux, name)?,
        Linked::Failed(words) => vec![words],
    };
    // The weak function is gone, and nobody was told.
    expect(
        tally,
        "collisions: planted: weak, without the cure",
        &found,
        &[&format!("T {name}")],
    );
    // Each as large as a kernel.
    let _ = fs::remove_file(&vmlinux);
    Ok(())
}

/// The command that linked vmlinux.o, with another result and, in the place of the reserved names,
/// `reserved`.
fn without_reserved(kernel: &Kernel, output: &Path, reserved: Option<&Path>) -> Result<Command> {
    let path = kernel.build.join(".vmlinux.o.cmd");
    let text =
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let line = text
        .lines()
        .find_map(|l| l.strip_prefix("savedcmd_vmlinux.o := "));
    let line = line.with_context(|| format!("{} has no command", path.display()))?;
    // Behind the semicolon is objtool.
    let first = line.split(';').next().unwrap_or(line);
    let mut words = first.split_whitespace();
    let mut command = kernel.tool(words.next().context("an empty command")?);
    command.current_dir(&kernel.build);
    for word in words {
        match word {
            "vmlinux.o" => command.arg(output),
            RESERVED => match reserved {
                Some(reserved) => command.arg(reserved),
                None => &mut command,
            },
            word => command.arg(word),
        };
    }
    Ok(command)
}

/// Reserves the name of the loud collision and no other.
fn reserve_strong(klp_gen: &Path, kernel: &Kernel, output: &PathBuf) -> Result<()> {
    let mut command = Command::new(klp_gen);
    command
        .current_dir(kernel.build.join("lib/klp_planted"))
        .args(["collisions", "--llvm=-22", "--format=json"])
        .arg("--reserve")
        .arg(output)
        .args([
            "klp_planted.o",
            "strong.o",
            "strong_other.o",
            "--",
            "clang-22",
        ])
        .args([
            "-O2",
            "-flto=thin",
            "-fsplit-lto-unit",
            "-fno-pic",
            "-mcmodel=kernel",
        ])
        .args(["-mno-red-zone", "-fvisibility=hidden"]);
    answers(&mut command).map(|_| ())
}
