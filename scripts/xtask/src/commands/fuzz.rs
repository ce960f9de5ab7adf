// SPDX-License-Identifier: GPL-2.0 OR MIT

//! `cargo xtask fuzz`: everything that reads foreign bytes, for a fixed time each.

use super::kernel::KernelArgs;
use crate::host::{packages, paths, run};
use crate::kernel::Link;
use crate::report::outcome::Outcome;
use crate::report::progress;
use crate::suite::guest_files::GuestFiles;
use crate::suite::livepatches;
use crate::suite::needs::Need;
use crate::suite::predict::random;
use anyhow::{bail, Context, Result};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use std::{env, fs};

/// The target that is no program of libFuzzer.
const VERDICTS: &str = "verdicts";

const CARGO_FUZZ_VERSION: &str = "0.13.2";
/// libFuzzer is C++.
const COMPILER: packages::Package = ("g++", "/usr/bin/c++");
/// More memory than that for an input of a few KB is a finding.
const MEGABYTES: u32 = 512;
/// More time than that is one, too.
const SECONDS_PER_INPUT: u32 = 10;

/// Fuzz everything that reads foreign bytes: names, kallsyms, symvers, ELF files.
///
/// Starts with the corpora in `fuzz/corpus`; what is found beyond them stays in the cache. The target
/// `verdicts` needs the test kernel and runs only by itself: it holds `klp-gen check` to that kernel, with
/// livepatches that are damaged at random.
#[derive(clap::Args)]
pub struct Args {
    /// Fuzz only these; all if none is given.
    #[arg(value_name = "TARGET")]
    targets: Vec<String>,
    /// The time for which each of them is fuzzed.
    #[arg(long, default_value_t = 60)]
    seconds: u32,
    /// Begin the target `verdicts` at SEED; by default each run begins elsewhere.
    #[arg(long)]
    seed: Option<u64>,
    #[command(flatten)]
    kernel: KernelArgs,
    /// List the targets.
    #[arg(long)]
    list: bool,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<Outcome> {
    let all = targets()?;
    if args.list {
        println!("{}\n{VERDICTS}", all.join("\n"));
        return Ok(Outcome::Pass);
    }
    for target in &args.targets {
        if target == VERDICTS && args.targets.len() > 1 {
            bail!("the target `{VERDICTS}` runs only by itself");
        }
        if target != VERDICTS && !all.contains(target) {
            bail!("there is no target `{target}`; `cargo xtask fuzz --list` lists them");
        }
    }
    let logs = paths::new_log_dir("fuzz")?;
    if args.targets == [VERDICTS] {
        return verdicts(args, &logs);
    }
    packages::install([COMPILER], &logs)?;
    let fuzzer = Fuzzer::build(&logs)?;
    let chosen = if args.targets.is_empty() {
        &all
    } else {
        &args.targets
    };
    let mut reports = Vec::new();
    for target in chosen {
        reports.push(fuzzer.run(target, args.seconds, &logs)?);
    }
    progress::finish(&logs);
    println!("target     inputs    per s  edges  features  corpus  peak MB");
    for report in &reports {
        report.print();
    }
    let failed = reports.iter().filter(|r| r.finding.is_some()).count();
    println!("{} passed, {failed} failed", reports.len() - failed);
    Ok(Outcome::from_bool(failed == 0))
}

/// Holds `klp-gen check` to a kernel.
fn verdicts(args: &Args, logs: &Path) -> Result<Outcome> {
    let kernel = args.kernel.prepare(&Link::ALL, logs)?;
    let needs = BTreeSet::from([Need::Modules, Need::LivepatchSelftests]);
    GuestFiles::build(&kernel, &needs, logs)?;
    livepatches::build_unconverted(&kernel, logs)?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let seed = args
        .seed
        .unwrap_or_else(|| now.map_or(0, |now| now.as_secs()));
    println!("{VERDICTS}: seed {seed}");
    let findings = paths::cache()?.join("fuzz/findings").join(VERDICTS);
    fs::create_dir_all(&findings)
        .with_context(|| format!("cannot create {}", findings.display()))?;
    let time = Duration::from_secs(args.seconds.into());
    let found = random::run(&kernel, seed, time, &findings, logs)?;
    println!(
        "{} loaded in {} boots, {} to be taken, {} to be refused; not loaded: {} that klp-gen alone \
         refuses, {} of which the files do not tell",
        found.loaded,
        found.boots,
        found.taken,
        found.loaded - found.taken,
        found.harmful,
        found.unknown
    );
    let failed = found.disagreements;
    println!("{} passed, {failed} failed", found.loaded - failed);
    Ok(Outcome::from_bool(failed == 0))
}

/// The targets, in the order of their names.
fn targets() -> Result<Vec<String>> {
    let directory = paths::repository().join("fuzz/targets");
    let mut targets = Vec::new();
    for file in
        fs::read_dir(&directory).with_context(|| format!("cannot read {}", directory.display()))?
    {
        if let Some(stem) = file?.path().file_stem() {
            targets.push(stem.to_string_lossy().into_owned());
        }
    }
    targets.sort();
    Ok(targets)
}

/// The programs, one for each target.
struct Fuzzer {
    programs: PathBuf,
    cache: PathBuf,
}

impl Fuzzer {
    /// Builds all targets, and first cargo-fuzz if it is not there.
    fn build(logs: &Path) -> Result<Self> {
        let cache = paths::cache()?;
        let tool = cache
            .join("tools")
            .join(format!("cargo-fuzz-{CARGO_FUZZ_VERSION}"));
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        if !tool.join("bin/cargo-fuzz").exists() {
            progress::note(&format!("installing cargo-fuzz {CARGO_FUZZ_VERSION}"));
            let mut install = Command::new(&cargo);
            install
                .args(["install", "cargo-fuzz", "--locked", "--quiet", "--version"])
                .arg(CARGO_FUZZ_VERSION)
                .arg("--root")
                .arg(&tool);
            run::logged(
                "install cargo-fuzz",
                &mut install,
                &logs.join("cargo-fuzz.log"),
            )?;
        }
        let repository = paths::repository();
        let target_dir = repository.join("target/fuzz");
        let mut build = Command::new(tool.join("bin/cargo-fuzz"));
        build
            .current_dir(&repository)
            // A sanitizer needs a nightly compiler. What is fuzzed has no unsafe code; what can go
            // wrong is a panic (overflow checks are on), a loop, or memory without bound.
            .args(["build", "--fuzz-dir", "fuzz", "--sanitizer", "none"])
            .args(["--features", "libfuzzer", "--target-dir"])
            .arg(&target_dir);
        run::logged("build the targets", &mut build, &logs.join("build.log"))?;
        Ok(Self {
            programs: target_dir.join(format!("{}-unknown-linux-gnu/release", env::consts::ARCH)),
            cache: cache.join("fuzz"),
        })
    }

    fn command(&self, target: &str) -> Command {
        Command::new(self.programs.join(target))
    }

    /// The corpus in the cache, which grows, and the committed one.
    fn corpora(&self, target: &str) -> Result<(PathBuf, PathBuf)> {
        let finds = self.cache.join("corpus").join(target);
        fs::create_dir_all(&finds).with_context(|| format!("cannot create {}", finds.display()))?;
        let committed = paths::repository().join("fuzz/corpus").join(target);
        Ok((finds, committed))
    }

    fn run(&self, target: &str, seconds: u32, logs: &Path) -> Result<FuzzFigures> {
        let (finds, committed) = self.corpora(target)?;
        let artifacts = self.cache.join("findings").join(target);
        fs::create_dir_all(&artifacts)
            .with_context(|| format!("cannot create {}", artifacts.display()))?;
        let log = logs.join(format!("{target}.log"));
        let mut command = self.command(target);
        command
            .arg(format!("-max_total_time={seconds}"))
            .arg(format!("-rss_limit_mb={MEGABYTES}"))
            .arg(format!("-timeout={SECONDS_PER_INPUT}"))
            .arg("-print_final_stats=1")
            .arg(format!("-artifact_prefix={}/", artifacts.display()))
            .args([&finds, &committed]);
        let ended = run::logged(&format!("fuzz {target}"), &mut command, &log);
        let text = String::from_utf8_lossy(&fs::read(&log)?).into_owned();
        let mut report = FuzzFigures::parse(target, &text);
        if let Err(error) = ended {
            report.finding = Some(finding(&text).unwrap_or_else(|| format!("{error:#}")));
        }
        Ok(report)
    }
}

/// The input that a program failed with, and what it said.
fn finding(log: &str) -> Option<String> {
    let (_, input) = log
        .lines()
        .find_map(|line| line.split_once("Test unit written to "))?;
    let mut why = log
        .lines()
        .skip_while(|line| !line.contains(" panicked at ") && !line.contains("ERROR: libFuzzer"));
    let (place, what) = (why.next()?, why.next()?);
    Some(format!("{input}\n    {place}\n    {what}"))
}

/// The figures that libFuzzer prints at the end.
#[derive(Debug, Default, PartialEq, Eq)]
struct FuzzFigures {
    target: String,
    /// Inputs that were tried, and how many in a second.
    inputs: u64,
    per_second: u64,
    /// Edges of the control flow that were taken; pairs of an edge and how often.
    edges: u64,
    features: u64,
    /// Inputs that were kept for what they cover.
    corpus: u64,
    peak_megabytes: u64,
    /// The input that made it fail.
    finding: Option<String>,
}

impl FuzzFigures {
    /// Reads a log with lines `#1024  pulse  cov: 7 ft: 9 corp: 3/40b …` and `stat::…: 1024`.
    fn parse(target: &str, log: &str) -> Self {
        let number = |text: &str| {
            let digits = text.trim_start();
            let end = digits
                .find(|c: char| !c.is_ascii_digit())
                .unwrap_or(digits.len());
            digits[..end].parse().unwrap_or(0)
        };
        let last = |key: &str| {
            let mut found = log.lines().filter_map(|line| line.split_once(key));
            found.next_back().map_or(0, |(_, value)| number(value))
        };
        Self {
            target: target.to_owned(),
            inputs: last("stat::number_of_executed_units:"),
            per_second: last("stat::average_exec_per_sec:"),
            edges: last(" cov: "),
            features: last(" ft: "),
            corpus: last(" corp: "),
            peak_megabytes: last("stat::peak_rss_mb:"),
            finding: None,
        }
    }

    fn print(&self) {
        println!(
            "{:9} {:>8} {:>8} {:>6} {:>9} {:>7} {:>8}",
            self.target,
            self.inputs,
            self.per_second,
            self.edges,
            self.features,
            self.corpus,
            self.peak_megabytes
        );
        if let Some(finding) = &self.finding {
            println!("FAILED {}: {finding}", self.target);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_log_is_read() {
        let log = "#2\tINITED cov: 5 ft: 6 corp: 1/2b exec/s: 0 rss: 30Mb\n\
                   #99\tDONE   cov: 72 ft: 345 corp: 12/1024b exec/s: 9 rss: 41Mb\n\
                   stat::number_of_executed_units: 99\n\
                   stat::average_exec_per_sec:     9\n\
                   stat::peak_rss_mb:              41\n";
        let expected = FuzzFigures {
            target: "names".to_owned(),
            inputs: 99,
            per_second: 9,
            edges: 72,
            features: 345,
            corpus: 12,
            peak_megabytes: 41,
            finding: None,
        };
        assert_eq!(FuzzFigures::parse("names", log), expected);
    }

    #[test]
    fn a_finding_is_named_with_its_reason() {
        let log = "#9 NEW cov: 5\nthread 'x' (1) panicked at fuzz/src/names.rs:9:5:\nno twin\n\
                   ==1== ERROR: libFuzzer: deadly signal\n\
                   artifact_prefix='/x/'; Test unit written to /x/crash-1\n";
        let expected =
            "/x/crash-1\n    thread 'x' (1) panicked at fuzz/src/names.rs:9:5:\n    no twin";
        assert_eq!(finding(log).as_deref(), Some(expected));
        assert_eq!(finding("#9 NEW cov: 5\n"), None);
    }

    #[test]
    fn every_target_has_a_corpus() {
        let corpora = paths::repository().join("fuzz/corpus");
        let targets = targets().unwrap();
        assert!(targets.len() >= 7, "{targets:?}");
        for target in targets {
            assert!(corpora.join(&target).is_dir(), "{target}");
        }
    }
}
