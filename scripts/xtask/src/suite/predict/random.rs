// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Holds `klp-gen check` to the kernel's verdict on livepatches that are damaged at random.

use crate::guest::boot::boot;
use crate::guest::image::Contents;
use crate::guest::vm::Vm;
use crate::kernel::Kernel;
use crate::report::ktap;
use crate::suite::{guest_files, variants};
use anyhow::{bail, Context, Result};
use klp_variants::list::MARK;
use klp_variants::{Deriver, KernelFiles, Mutant, Mutants, Rule};
use std::collections::VecDeque;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The number of livepatches that one boot is given. Some kill the guest, and it begins again behind them.
const BATCH: usize = 200;
/// The wall-clock limit of a boot: there is one for each that makes the guest hang.
const LIMIT: Duration = Duration::from_secs(180);
/// The directory of the mutants in the guest.
const IN_GUEST: &str = "klp/mutants";
const TWINS: &str = "klp/modules/klp_twins.ko";

/// The counts of a run.
#[derive(Default)]
pub struct Verdicts {
    /// The number of livepatches that were loaded, and of boots.
    pub loaded: usize,
    pub boots: usize,
    /// The number of those that the kernel should take.
    pub taken: usize,
    /// The numbers of livepatches that were not loaded: klp-gen refuses them though the kernel would not, or does not
    /// know.
    pub harmful: usize,
    pub unknown: usize,
    /// On how many `check` and the kernel disagree.
    pub disagreements: usize,
}

/// Mutants of a kernel's livepatches, and a guest that loads them.
struct Run<'r> {
    kernel: &'r Kernel,
    twins: PathBuf,
    /// The directory of files that are found, and the beginning of their names.
    findings: (&'r Path, String),
    logs: &'r Path,
    verdicts: Verdicts,
}

/// Makes, loads and compares until the time is over. What is found is printed, and kept in the directory
/// `findings`.
///
/// # Errors
///
/// Fails if the guest cannot be run.
pub fn run(
    kernel: &Kernel,
    seed: u64,
    time: Duration,
    findings: &Path,
    logs: &Path,
) -> Result<Verdicts> {
    let built = |stem: &str| variants::built(kernel, stem);
    let inputs = variants::inputs(kernel, &built)?;
    let files = KernelFiles::open(&inputs)?;
    let source = Deriver::new(&files, &inputs)?;
    let mut mutants = Mutants::new(&source, seed)?;
    let mut run = Run {
        kernel,
        twins: inputs.twins.clone(),
        findings: (findings, format!("{seed}")),
        logs,
        verdicts: Verdicts::default(),
    };
    let start = Instant::now();
    for rule in Rule::ALL.into_iter().cycle() {
        let mut batch = run.batch(&mut mutants, rule)?;
        while !batch.is_empty() {
            run.boot(&mut batch, rule)?;
        }
        if start.elapsed() >= time {
            break;
        }
    }
    Ok(run.verdicts)
}

impl Run<'_> {
    /// The next ones that the kernel can be asked about.
    fn batch(&mut self, mutants: &mut Mutants<'_, '_>, rule: Rule) -> Result<VecDeque<Mutant>> {
        let mut batch = VecDeque::new();
        while batch.len() < BATCH {
            let mutant = mutants.next().context("mutants have no end")??;
            let prediction = mutant.listed.prediction(rule);
            if prediction.harmful() {
                self.verdicts.harmful += 1;
            } else if prediction.unknown() {
                self.verdicts.unknown += 1;
            } else {
                batch.push_back(mutant);
            }
        }
        Ok(batch)
    }

    /// Boots once, and takes from the batch what was judged.
    fn boot(&mut self, batch: &mut VecDeque<Mutant>, rule: Rule) -> Result<()> {
        self.verdicts.boots += 1;
        let logs = self.logs.join(format!("boot-{:03}", self.verdicts.boots));
        let mut contents = guest_files::scripts_and_program(&logs)?;
        add(batch.iter(), &logs, &mut contents)?;
        contents.add(self.twins.clone(), TWINS.to_owned());
        let vm = Vm {
            kaslr: false,
            append: format!("{} {}", self.kernel.lane.parameter(), variants::APPEND),
            timeout: Some(LIMIT),
            ..Vm::new(&self.kernel.build, &logs)
        };
        let report = boot(&vm, &contents, Some(&script(rule)))?;
        let suites = ktap::parse(&report.output);
        let results = suites.first().map_or(&[][..], |suite| &suite.cases);
        for case in results {
            let mutant = batch.pop_front().context("more results than livepatches")?;
            self.judged(&mutant, rule, case.failure.as_deref())?;
        }
        if batch.is_empty() {
            return Ok(());
        }
        // A busy machine, or one that hangs: then it is the first of the next boot.
        if report.elapsed >= LIMIT && !results.is_empty() {
            return Ok(());
        }
        // The guest ended itself behind the last result, or died at the one that it marked last.
        let console = fs::read(&report.console_log)?;
        let console = String::from_utf8_lossy(&console);
        let (_, last) = console.rsplit_once(MARK).unwrap_or_default();
        let name = last.split(' ').next().unwrap_or_default();
        if let Some(at) = batch.iter().position(|mutant| mutant.listed.name == name) {
            let mutant = batch.remove(at).context("no such livepatch")?;
            let predicted = &mutant.listed.prediction(rule).verdict;
            let lines: Vec<_> = last.lines().take(25).collect();
            let why = format!(
                "predicted: {predicted:?}\nthe kernel died:\n{}",
                lines.join("\n")
            );
            self.judged(&mutant, rule, Some(&why))?;
        } else if results.is_empty() {
            bail!("the guest did not begin: {:?}", report.failure);
        }
        Ok(())
    }

    fn judged(&mut self, mutant: &Mutant, rule: Rule, wrong: Option<&str>) -> Result<()> {
        self.verdicts.loaded += 1;
        let taken = mutant.listed.prediction(rule).verdict.taken();
        self.verdicts.taken += usize::from(taken == Some(true));
        if let Some(wrong) = wrong {
            let (findings, seed) = &self.findings;
            let file = findings.join(format!("{seed}-{}.ko", mutant.listed.name));
            fs::write(&file, &mutant.bytes)
                .with_context(|| format!("cannot write {}", file.display()))?;
            let wrong = wrong.replace('\n', "\n    ");
            let (file, what) = (file.display(), &mutant.what);
            println!("FAILED {file}: {what} ({})\n    {wrong}", rule.as_str());
            self.verdicts.disagreements += 1;
        }
        Ok(())
    }
}

/// Returns the script of the guest.
fn script(rule: Rule) -> String {
    let load = match rule {
        Rule::Stock => "",
        Rule::KlpSympos => "modprobe klp_sympos && ",
    };
    let rule = rule.as_str();
    format!("{load}klp-guest variants --stop /{IN_GUEST} /{TWINS} {rule}\n")
}

/// Puts mutants and their list where the guest looks for them.
fn add<'m>(
    mutants: impl Iterator<Item = &'m Mutant>,
    logs: &Path,
    contents: &mut Contents,
) -> Result<()> {
    let dir = logs.join("mutants");
    let files = mutants.map(|mutant| (&mutant.listed, &mutant.bytes[..]));
    variants::write(&dir, files)?;
    contents.add(dir, IN_GUEST.to_owned());
    Ok(())
}
