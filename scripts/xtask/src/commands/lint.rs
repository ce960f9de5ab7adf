// SPDX-License-Identifier: GPL-2.0 OR MIT

//! `cargo xtask lint`: everything that is checked without running it.

use crate::host::{packages, paths, run};
use crate::kernel::source::{Origin, Source};
use crate::kernel::Series;
use crate::mail::{self, Sender};
use crate::report::outcome::Outcome;
use crate::report::progress;
use anyhow::{bail, Context, Result};
use klp_lint::{doc_comments, documents, imports};
use std::env;
use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The checks that checkpatch cannot make on patches outside of a kernel tree's history.
const CHECKPATCH_IGNORES: &str = "FILE_PATH_CHANGES,UNKNOWN_COMMIT_ID";

/// Check formats, lints, documentation, and the kernel patches.
#[derive(clap::Args)]
pub struct Args {
    /// Leave out checkpatch, which needs the kernel's source.
    #[arg(long)]
    no_checkpatch: bool,
}

/// Runs the command: all checks, whatever the one before said.
pub fn run(args: &Args) -> Result<Outcome> {
    let repository = paths::repository();
    let mut checks = Checks::default();
    let mut note = |name: &str, passed| checks.note(name, Ok(passed));
    note(
        "cargo fmt",
        run::shown(cargo(&repository).args(["fmt", "--all", "--check"]))?,
    );
    note("rustfmt", format_of_kernel_files(&repository)?);
    note(
        "clippy",
        run::shown(cargo(&repository).args([
            "clippy",
            "--workspace",
            "--all-targets",
            "--quiet",
            "--",
            "-D",
            "warnings",
        ]))?,
    );
    note(
        "rustdoc",
        run::shown(cargo(&repository).env("RUSTDOCFLAGS", "-D warnings").args([
            "doc",
            "--workspace",
            "--no-deps",
            "--quiet",
        ]))?,
    );
    note("shell syntax", shell_syntax(&repository)?);
    note("SPDX lines", spdx_lines(&repository)?);
    note("imports", no_faults(&imports::faults(&repository)?));
    note(
        "doc comments",
        no_faults(&doc_comments::faults(&repository)?),
    );
    note("documents", no_faults(&documents::faults(&repository)?));
    if !args.no_checkpatch {
        for series in Series::all()? {
            let name = format!("checkpatch ({})", series.name);
            checks.note(&name, checkpatch(series));
        }
    }
    checks.end()
}

/// The checks that were made.
#[derive(Default)]
struct Checks {
    failed: Vec<String>,
    /// Those that could not be made, with the reasons.
    not_made: Vec<String>,
}

impl Checks {
    fn note(&mut self, name: &str, result: Result<bool>) {
        let answer = match result {
            Ok(true) => "clean",
            Ok(false) => {
                self.failed.push(name.to_owned());
                "not clean"
            }
            Err(error) => {
                self.not_made.push(format!("{name}: {error:#}"));
                "not checked"
            }
        };
        progress::note(&format!("{name}: {answer}"));
    }

    /// Prints the sum.
    ///
    /// # Errors
    ///
    /// Fails if a check could not be made.
    fn end(self) -> Result<Outcome> {
        if !self.failed.is_empty() {
            println!("lint: not clean: {}", self.failed.join(", "));
        }
        if !self.not_made.is_empty() {
            bail!("not checked: {}", self.not_made.join("; "));
        }
        if self.failed.is_empty() {
            println!("lint: all clean");
        }
        Ok(Outcome::from_bool(self.failed.is_empty()))
    }
}

fn cargo(repository: &Path) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(repository);
    command
}

/// The files that git has, or would take, of these kinds.
fn files(repository: &Path, patterns: &[&str]) -> Result<Vec<PathBuf>> {
    let mut git = Command::new("git");
    git.current_dir(repository)
        .args([
            "ls-files",
            "--cached",
            "--others",
            "--exclude-standard",
            "--",
        ])
        .args(patterns);
    let list = run::captured(&mut git)?;
    let files = list.lines().map(PathBuf::from);
    Ok(files
        .filter(|file| repository.join(file).is_file())
        .collect())
}

/// Checks the Rust files that no crate of the workspace reaches.
///
/// They are read from stdin: rustfmt would otherwise look for the modules that they declare, of which
/// some are only there in a kernel tree.
fn format_of_kernel_files(repository: &Path) -> Result<bool> {
    let mut clean = true;
    for file in files(repository, &["rust/kernel/*.rs", "kmod/*.rs", "kunit/*.rs"])? {
        let mut rustfmt = Command::new("rustfmt");
        rustfmt
            .current_dir(repository)
            .args(["--check", "--edition", "2021"])
            .stdin(File::open(repository.join(&file))?);
        let output = rustfmt.output().context("cannot run rustfmt")?;
        if !output.status.success() {
            println!("{}: not formatted by rustfmt", file.display());
            print!("{}", String::from_utf8_lossy(&output.stdout));
            eprint!("{}", String::from_utf8_lossy(&output.stderr));
            clean = false;
        }
    }
    Ok(clean)
}

fn shell_syntax(repository: &Path) -> Result<bool> {
    let mut clean = true;
    for file in files(
        repository,
        &["*.sh", ".ci/run", "scripts/guest/init", "scripts/host-cc"],
    )? {
        let mut shell = Command::new("bash");
        shell.current_dir(repository).arg("-n").arg(&file);
        if let Err(error) = run::captured(&mut shell) {
            println!("{error:#}");
            clean = false;
        }
    }
    Ok(clean)
}

/// Every source file names its licence in the first line, or the second behind a `#!`.
fn spdx_lines(repository: &Path) -> Result<bool> {
    let mut clean = true;
    let patterns = [
        "*.rs",
        "*.c",
        "*.h",
        "*.sh",
        "*.config",
        "*/Kconfig",
        "*/Makefile",
    ];
    for file in files(repository, &patterns)? {
        let text = fs::read_to_string(repository.join(&file))
            .with_context(|| format!("cannot read {}", file.display()))?;
        let line = text.lines().find(|line| !line.starts_with("#!"));
        if !line.is_some_and(|line| line.contains("SPDX-License-Identifier: ")) {
            println!("{}: no SPDX line", file.display());
            clean = false;
        }
    }
    Ok(clean)
}

/// Prints the faults that a check has found, if any.
fn no_faults(faults: &[String]) -> bool {
    for fault in faults {
        println!("{fault}");
    }
    faults.is_empty()
}

/// Runs the kernel's own check on the patches of a series of kernels, as they would be sent. They have to apply to its
/// source, with the overlay.
fn checkpatch(series: Series) -> Result<bool> {
    let logs = paths::new_log_dir("lint")?;
    let source = Source::find(&Origin::Package(Box::new(series)), &logs)?;
    let sender = Sender::anyone(&paths::repository())?;
    let mailed = mail::write(&source, &logs.join("series"), &sender)?;
    let patches: Vec<_> = mailed
        .into_iter()
        .flat_map(|mailed| mailed.patches)
        .collect();
    if patches.is_empty() {
        return Ok(true);
    }
    packages::install([packages::PERL], &logs)?;
    let mut perl = Command::new("perl");
    // In a git repository it would look for the kernel's history there, and leave a file behind.
    perl.current_dir(&logs)
        .arg(source.pristine.join("scripts/checkpatch.pl"))
        .args([OsString::from("--root"), source.pristine.clone().into()])
        .args(["--strict", "--quiet", "--ignore", CHECKPATCH_IGNORES])
        .args(&patches)
        // It calls spdxcheck.py, which complains at length if its Python modules are not installed;
        // what it would check is checked by `spdx_lines()`.
        .stderr(File::create(logs.join("checkpatch.stderr"))?);
    run::shown(&mut perl)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_that_cannot_be_made_is_an_error_behind_all_others() {
        let mut checks = Checks::default();
        checks.note("one", Ok(true));
        checks.note("two", Err(anyhow::anyhow!("there is no source")));
        checks.note("three", Ok(false));
        assert_eq!(checks.failed, ["three"]);
        let error = checks.end().unwrap_err().to_string();
        assert_eq!(error, "not checked: two: there is no source");

        let mut checks = Checks::default();
        checks.note("one", Ok(false));
        assert!(matches!(checks.end(), Ok(Outcome::Fail)));
        assert!(matches!(Checks::default().end(), Ok(Outcome::Pass)));
    }
}
