// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Runs `cargo test` and counts what it says.

use super::paths;
use super::run::{self, Unit};
use crate::report::tally::Tally;
use anyhow::{Context, Result};
use std::path::Path;
use std::process::Command;
use std::{env, fs};

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
        .args(["test", "--workspace", "--no-fail-fast"]);
    let log = logs.join("cargo-test.log");
    let ended = run::counted("cargo test", Unit::TESTS, &mut command, &log);
    let text =
        fs::read_to_string(&log).with_context(|| format!("cannot read {}", log.display()))?;
    let failed_before = tally.failed();
    count(&text, tally);
    if let (Err(error), true) = (ended, tally.failed() == failed_before) {
        // Not a test, but the compiler, or a test program that died.
        tally.fail("cargo test".to_owned(), format!("{error:#}"));
    }
    Ok(())
}

/// Counts the lines `test NAME ... ok`, each under the program that printed it.
fn count(log: &str, tally: &mut Tally) {
    let mut program = "";
    for line in log.lines() {
        let line = line.trim_start();
        if let Some(rest) = line.strip_prefix("Running ") {
            // `Running unittests src/lib.rs (target/debug/deps/klp_policy-0123456789abcdef)`
            program = rest
                .rsplit(['/', '('])
                .next()
                .unwrap_or(rest)
                .trim_end_matches(')');
            program = program
                .rsplit_once('-')
                .map_or(program, |(name, _hash)| name);
        } else if let Some(rest) = line.strip_prefix("Doc-tests ") {
            program = rest;
        } else if let Some((name, result)) = test_line(line) {
            match result {
                "ok" => tally.pass(),
                "FAILED" => tally.fail(format!("{program}: {name}"), String::new()),
                ignored => tally.fail(format!("{program}: {name}"), ignored.to_owned()),
            }
        }
    }
}

fn test_line(line: &str) -> Option<(&str, &str)> {
    let (name, result) = line.strip_prefix("test ")?.rsplit_once(" ... ")?;
    let known = result == "ok" || result == "FAILED" || result.starts_with("ignored");
    known.then_some((name, result))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_counted_and_named() {
        let log =
            "     Running unittests src/lib.rs (target/debug/deps/klp_policy-0123456789abcdef)\n\
                   \nrunning 2 tests\ntest clean::keeps ... ok\ntest clean::cuts ... FAILED\n\
                   test result: FAILED. 1 passed; 1 failed; 0 ignored\n   Doc-tests klp_policy\n\
                   test rust/policy/src/lib.rs - (line 9) ... ok\ntest slow ... ignored\n";
        let mut tally = Tally::default();
        count(log, &mut tally);
        assert_eq!((tally.passed(), tally.failed()), (2, 2));
        let names: Vec<_> = tally
            .failures()
            .map(|failure| failure.name.as_str())
            .collect();
        assert_eq!(names, ["klp_policy: clean::cuts", "klp_policy: slow"]);
    }
}
