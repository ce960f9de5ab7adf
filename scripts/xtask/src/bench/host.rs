// SPDX-License-Identifier: GPL-2.0 OR MIT

//! `klp-gen` against the tools that read the same files, on this machine.

use super::measure::{in_turns, Runs};
use super::report::{NumberForm, Ratios, Samples};
use super::{larger, relocations};
use crate::host::{klp_gen, run};
use crate::kernel::Kernel;
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The number of names that are resolved at once, and of relocations that are checked.
const NAMES: usize = 10_000;
const RELOCATIONS: usize = 1_000;

/// The inputs of the measurements.
struct Bench<'a> {
    klp_gen: PathBuf,
    rounds: usize,
    logs: &'a Path,
}

/// Measures everything.
///
/// # Errors
///
/// Fails if something cannot be built or run.
pub fn run(kernel: &Kernel, rounds: usize, logs: &Path, report: &mut Ratios) -> Result<()> {
    let bench = Bench {
        klp_gen: klp_gen::release(logs)?,
        rounds,
        logs,
    };
    let vmlinux = kernel.build.join("vmlinux");
    let larger = logs.join("vmlinux-larger");
    larger::write(&vmlinux, &larger)?;
    let once = bench.image(&vmlinux, "vmlinux", report)?;
    let many = bench.image(&larger, "10 × vmlinux", report)?;
    fs::remove_file(&larger)?;
    let what = "`symbols`, 10 × vmlinux / vmlinux: time";
    report.add(what, NumberForm::Milliseconds, &many.0, &once.0);
    let what = "a name more for `resolve`, 10 × vmlinux / vmlinux: time";
    report.add(what, NumberForm::Microseconds, &many.1, &once.1);
    bench.check(kernel, &vmlinux, report)
}

impl Bench<'_> {
    fn klp_gen(&self, command: &str, vmlinux: &Path) -> Command {
        let mut program = Command::new(&self.klp_gen);
        program.arg(command).arg("--vmlinux").arg(vmlinux);
        program
    }

    /// Measures what depends on a kernel image only: the times of `symbols`, and of one name more for `resolve`.
    fn image(
        &self,
        vmlinux: &Path,
        input: &str,
        report: &mut Ratios,
    ) -> Result<(Samples, Samples)> {
        let nm = |program: &str| {
            let mut nm = Command::new(program);
            nm.arg("-n").arg(vmlinux);
            nm
        };
        let programs = [self.klp_gen("symbols", vmlinux), nm("nm"), nm("llvm-nm-22")];
        let [symbols, gnu, llvm] = in_turns(&programs, self.rounds)?;
        let mut pair = |what: &str, ours: &Runs, peer: &Runs| {
            let (time, peak) = (NumberForm::Milliseconds, NumberForm::MiB);
            report.add(
                format!("{what}, {input}: time"),
                time,
                &ours.time,
                &peer.time,
            );
            report.add(
                format!("{what}, {input}: memory"),
                peak,
                &ours.peak,
                &peer.peak,
            );
        };
        pair("`symbols` / `nm -n`", &symbols, &gnu);
        pair("`symbols` / `llvm-nm -n`", &symbols, &llvm);

        let table = run::captured(&mut self.klp_gen("symbols", vmlinux))?;
        let names = unique_names(&table);
        let (one, many) = (self.logs.join("one-name"), self.logs.join("names"));
        let step = (names.len() / NAMES).max(1);
        let chosen: Vec<_> = names.iter().step_by(step).take(NAMES).copied().collect();
        drop(names);
        let first = chosen.first().context("no name in vmlinux is unique")?;
        fs::write(&one, format!("{first}\n"))?;
        fs::write(&many, chosen.join("\n") + "\n")?;
        drop(chosen);
        drop(table);
        let resolve = |names: &Path| {
            let mut resolve = self.klp_gen("resolve", vmlinux);
            resolve.arg("--queries").arg(names);
            resolve
        };
        let mut awk = Command::new("sh");
        awk.arg("-c")
            .arg(r#"nm -n "$1" | awk 'NR == FNR { wanted[$1]; next } $3 in wanted' "$2" -"#)
            .arg("sh")
            .args([vmlinux, &many]);
        let [many, one, awk] = in_turns(&[resolve(&many), resolve(&one), awk], self.rounds)?;
        pair("`resolve` of 10,000 names / `nm -n \\| awk`", &many, &awk);
        pair("`resolve` of 10,000 names / of 1", &many, &one);
        Ok((symbols.time, one_more(&many, &one)))
    }

    fn check(&self, kernel: &Kernel, vmlinux: &Path, report: &mut Ratios) -> Result<()> {
        let table = run::captured(&mut self.klp_gen("symbols", vmlinux))?;
        let names = unique_names(&table);
        let names: Vec<_> = names.iter().step_by(40).copied().collect();
        let build = |count| relocations::build(kernel, &self.klp_gen, &names, count, self.logs);
        let (many, one) = (build(RELOCATIONS)?, build(1)?);
        drop(names);
        drop(table);
        let check = |livepatch: &Path| {
            let mut check = self.klp_gen("check", vmlinux);
            check.arg(livepatch);
            check
        };
        let programs = [check(&many), check(&one), self.klp_gen("symbols", vmlinux)];
        let [many, one, symbols] = in_turns(&programs, self.rounds)?;
        for (what, peer) in [("of 1", &one), ("`symbols`", &symbols)] {
            let what = format!("`check` of 1,000 relocations / {what}");
            let (time, peak) = (NumberForm::Milliseconds, NumberForm::MiB);
            report.add(format!("{what}: time"), time, &many.time, &peer.time);
            report.add(format!("{what}: memory"), peak, &many.peak, &peer.peak);
        }
        Ok(())
    }
}

/// Returns the cost of one name more.
fn one_more(many: &Runs, one: &Runs) -> Samples {
    let more = many.time.0.iter().zip(&one.time.0);
    #[expect(clippy::cast_precision_loss, reason = "a small number")]
    let names = (NAMES - 1) as f64;
    Samples(more.map(|(many, one)| (many - one) / names).collect())
}

/// The names in the output of `klp-gen symbols` that are C identifiers, not promoted, and unique.
fn unique_names(table: &str) -> Vec<&str> {
    table
        .lines()
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            let (address, _) = (words.next()?, words.next()?);
            let (position, name) = (words.next()?, words.next()?);
            // Livepatch takes address 0 for "not found".
            if address.bytes().all(|digit| digit == b'0') {
                return None;
            }
            let plain = name.bytes().all(|b| b == b'_' || b.is_ascii_alphanumeric());
            (position == "1/1" && plain && words.next().is_none()).then_some(name)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_unique_names_are_taken() {
        let table = "ffffffff81000000 T     1/1 _text\n\
                     ffffffff81000001 t     1/2 f\n\
                     ffffffff81000002 t     2/2 f\n\
                     ffffffff81000003 t     1/1 g (g.llvm.12)\n\
                     ffffffff81000004 t     1/1 h.i\n\
                     0000000000000000 A     1/1 fixed_percpu_data\n";
        assert_eq!(unique_names(table), ["_text"]);
    }
}
