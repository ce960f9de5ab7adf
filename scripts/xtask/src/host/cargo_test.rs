// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Runs `cargo test` and counts the results.
//!
//! Cargo describes in JSON, one message a line, which programs it builds. The results of the tests are lines of
//! text, `test NAME ... ok`, because libtest prints JSON only as an unstable option of the nightly compiler. Cargo
//! says in text as well which program it runs, and it has no message for that. Each program that cargo built has
//! to end with the line `test result: ...`, so that a program which dies, or a format that changes, is a failure.

use super::paths;
use super::run::{self, Unit};
use crate::report::tally::Tally;
use anyhow::{Context, Result};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// The part of cargo's messages that is used: `compiler-artifact` has all fields but the last, `build-finished` has
/// the last.
#[derive(Deserialize)]
struct Message {
    #[serde(default)]
    target: CargoTarget,
    #[serde(default)]
    profile: CargoProfile,
    executable: Option<PathBuf>,
    success: Option<bool>,
}

#[derive(Default, Deserialize)]
struct CargoTarget {
    name: String,
}

#[derive(Default, Deserialize)]
struct CargoProfile {
    test: bool,
}

/// A test program that cargo built.
struct TestProgram {
    name: String,
    ended: bool,
}

/// Runs all tests of the workspace.
///
/// # Errors
///
/// Fails if the log of the run cannot be read.
pub fn run(tally: &mut Tally, logs: &Path) -> Result<()> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command
        .current_dir(paths::repository())
        // Of this command it is asked for the boots, not for what tests on the host print.
        .env_remove("KLP_BLESS")
        .args(["test", "--workspace", "--no-fail-fast"])
        // The compiler's messages stay text for people.
        .args(["--message-format", "json-render-diagnostics"]);
    let log = logs.join("cargo-test.log");
    let ended = run::counted("cargo test", Unit::TESTS, &mut command, &log);
    let text =
        fs::read_to_string(&log).with_context(|| format!("cannot read {}", log.display()))?;
    let failed_before = tally.failed();
    count(&text, tally);
    if let (Err(error), true) = (ended, tally.failed() == failed_before) {
        // Not a test of a program, but for instance rustdoc.
        tally.fail("cargo test".to_owned(), format!("{error:#}"));
    }
    Ok(())
}

/// Counts the lines `test NAME ... ok`, each under the program that printed it, and the programs that did not end.
fn count(log: &str, tally: &mut Tally) {
    let mut programs = programs(log);
    let mut running = String::new();
    for line in log.lines() {
        let line = line.trim_start();
        if let Some(rest) = line.strip_prefix("Running ") {
            file_in_brackets(rest).clone_into(&mut running);
        } else if let Some(library) = line.strip_prefix("Doc-tests ") {
            library.clone_into(&mut running);
        } else if line.starts_with("test result: ") {
            if let Some(program) = programs.get_mut(&running) {
                program.ended = true;
            }
        } else if let Some((test, result)) = test_line(line) {
            let program = programs.get(&running);
            let name = program.map_or(&running, |program| &program.name);
            match result {
                "ok" => tally.pass(),
                "FAILED" => tally.fail(format!("{name}: {test}"), String::new()),
                ignored => tally.fail(format!("{name}: {test}"), ignored.to_owned()),
            }
        }
    }
    if !messages(log).any(|message| message.success == Some(true)) {
        let reason = "the build of the tests failed".to_owned();
        tally.fail("cargo test".to_owned(), reason);
        return;
    }
    for program in programs.into_values().filter(|program| !program.ended) {
        let reason = "the program did not run to its end".to_owned();
        tally.fail(program.name, reason);
    }
}

/// Returns the messages of cargo that are in the log.
fn messages(log: &str) -> impl Iterator<Item = Message> + '_ {
    let lines = log.lines().filter(|line| line.starts_with('{'));
    lines.filter_map(|line| serde_json::from_str(line).ok())
}

/// Returns the test programs that cargo built, by the names of their files.
fn programs(log: &str) -> BTreeMap<String, TestProgram> {
    let artifacts = messages(log).filter(|message| message.profile.test);
    artifacts
        .filter_map(|artifact| {
            let executable = artifact.executable?;
            let file = executable.file_name()?.to_str()?.to_owned();
            let name = artifact.target.name;
            Some((file, TestProgram { name, ended: false }))
        })
        .collect()
}

/// Returns the name of the file in `unittests src/lib.rs (target/debug/deps/klp_policy-0123456789abcdef)`.
fn file_in_brackets(text: &str) -> &str {
    let path = text.rsplit('(').next().unwrap_or(text);
    let path = path.trim_end_matches(')');
    path.rsplit('/').next().unwrap_or(path)
}

fn test_line(line: &str) -> Option<(&str, &str)> {
    let (name, result) = line.strip_prefix("test ")?.rsplit_once(" ... ")?;
    let known = result == "ok" || result == "FAILED" || result.starts_with("ignored");
    known.then_some((name, result))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn artifact(name: &str) -> String {
        format!(
            "{{\"target\":{{\"name\":\"{name}\"}},\
             \"profile\":{{\"test\":true}},\"executable\":\"/target/debug/deps/{name}-0123\"}}\n"
        )
    }

    const BUILT: &str = "{\"reason\":\"build-finished\",\"success\":true}\n";

    fn failures(log: &str) -> (Vec<String>, usize) {
        let mut tally = Tally::default();
        count(log, &mut tally);
        let names = tally.failures().map(|failure| failure.name.clone());
        (names.collect(), tally.passed())
    }

    #[test]
    fn results_are_counted_and_named() {
        let log = artifact("klp_policy")
            + BUILT
            + "     Running unittests src/lib.rs (target/debug/deps/klp_policy-0123)\n\
               \nrunning 2 tests\ntest clean::keeps ... ok\ntest clean::cuts ... FAILED\n\
               test result: FAILED. 1 passed; 1 failed; 0 ignored\n   Doc-tests klp_policy\n\
               test rust/policy/src/lib.rs - (line 9) ... ok\ntest slow ... ignored\n";
        let (names, passed) = failures(&log);
        assert_eq!(names, ["klp_policy: clean::cuts", "klp_policy: slow"]);
        assert_eq!(passed, 2);
    }

    #[test]
    fn a_program_that_dies_or_does_not_run_is_a_failure() {
        let log = artifact("dies")
            + &artifact("never_runs")
            + BUILT
            + "     Running tests/dies.rs (target/debug/deps/dies-0123)\ntest first ... ok\n";
        assert_eq!(
            failures(&log),
            (vec!["dies".to_owned(), "never_runs".to_owned()], 1)
        );
        assert_eq!(failures("error: cannot compile\n").0, ["cargo test"]);
    }
}
