// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Loads the livepatches of one tool in the guest.

use super::answer::End;
use crate::guest::boot::boot;
use crate::guest::vm::Vm;
use crate::host::paths;
use crate::report::ktap::{self, Case};
use crate::report::progress;
use crate::suite::guest_files;
use anyhow::Result;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

/// The script of the guest, and the directory of the livepatches beside it.
const SCRIPT: &str = "peers.sh";
const IN_GUEST: &str = "klp/peers";

/// The time that one livepatch may take in the guest: a task that sleeps gets a signal after 15 seconds.
const EACH: Duration = Duration::from_secs(60);

/// The questions about each livepatch, in this order: names of cases behind that of the patch.
const STEPS: [&str; 3] = ["loaded", "works", "removed"];

/// Loads the livepatches of `directory`, and returns what came of each.
///
/// A livepatch with which the kernel dies ends the boot: another one has those that come behind it.
///
/// # Errors
///
/// Fails if the guest cannot be run.
pub fn load<'p>(
    build: &Path,
    directory: &Path,
    patches: &[&'p str],
    logs: &Path,
) -> Result<BTreeMap<&'p str, End>> {
    let mut results = BTreeMap::new();
    let mut left = patches.to_vec();
    let mut number = 0;
    while !left.is_empty() {
        let mut contents = guest_files::scripts();
        let script = paths::repository().join("scripts/guest").join(SCRIPT);
        contents.add(script, format!("klp/{SCRIPT}"));
        for patch in &left {
            let name = livepatch(patch);
            contents.add(directory.join(&name), format!("{IN_GUEST}/{name}"));
        }
        let count = u32::try_from(left.len()).unwrap_or(u32::MAX);
        let vm = Vm {
            timeout: Some(EACH * (count + 1)),
            ..Vm::new(build, &logs.join(number.to_string()))
        };
        progress::section(&format!("boot: {count} livepatches"));
        let script = format!("exec bash /klp/{SCRIPT} {}\n", left.join(" "));
        let report = boot(&vm, &contents, Some(&script))?;
        let suites = ktap::parse(&report.output);
        let cases: Vec<_> = suites.into_iter().flat_map(|suite| suite.cases).collect();
        let failure = report.failure.as_deref();
        left = left.split_off(take(&left, &cases, failure, &mut results));
        number += 1;
    }
    Ok(results)
}

/// Returns the name of the livepatch that is made of a patch.
pub fn livepatch(patch: &str) -> String {
    format!("livepatch-{patch}.ko")
}

/// Takes the results of one boot, and returns the number of livepatches that were tried.
fn take<'p>(
    patches: &[&'p str],
    cases: &[Case],
    failure: Option<&str>,
    results: &mut BTreeMap<&'p str, End>,
) -> usize {
    for (number, &patch) in patches.iter().enumerate() {
        for step in STEPS {
            let name = format!("{patch} {step}");
            let Some(case) = cases.iter().find(|case| case.name == name) else {
                let end = failure.unwrap_or("the boot ended");
                results.insert(patch, End::Fails(format!("{step}: {end}")));
                return number + 1;
            };
            if let Some(failure) = &case.failure {
                results.insert(patch, End::Fails(format!("{step}: {}", told(failure))));
                break;
            }
            results.insert(patch, End::Works);
        }
    }
    patches.len()
}

/// Returns the text of a failure in one line, without the command and its status, which every failure has.
fn told(failure: &str) -> String {
    let lines = failure
        .lines()
        .map(|line| line.trim_start_matches(['#', ' ']));
    let lines: Vec<_> = lines
        .filter(|line| !line.contains("` ended with status "))
        .collect();
    lines.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_livepatch_that_ends_the_boot_is_told_from_those_behind_it() {
        let case = |name: &str, failure: Option<&str>| Case {
            name: name.to_owned(),
            failure: failure.map(str::to_owned),
        };
        let mut cases = vec![
            case("a loaded", None),
            case("a works", None),
            case("a removed", None),
            case("b loaded", Some("refused")),
            case("b works", Some("refused")),
            case("b removed", Some("refused")),
            case("c loaded", None),
        ];
        let mut results = BTreeMap::new();
        let patches = ["a", "b", "c", "d"];
        assert_eq!(take(&patches, &cases, Some("Oops"), &mut results), 3);
        assert_eq!(results["a"], End::Works);
        assert_eq!(results["b"], End::Fails("loaded: refused".to_owned()));
        assert_eq!(results["c"], End::Fails("works: Oops".to_owned()));
        assert!(!results.contains_key("d"));

        let failure = "# `prints a b` ended with status 1\n# printed: c\n# expected: b";
        assert_eq!(told(failure), "printed: c; expected: b");

        cases.truncate(3);
        assert_eq!(take(&patches[..1], &cases, None, &mut results), 1);
    }
}
