// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Compares what came out of a boot with what is expected of it.

use super::expected::Suites;
use crate::report::glob;
use crate::report::ktap::Suite;
use crate::report::progress;
use crate::report::tally::Tally;

/// Counts the cases that are called as `pattern` says, tells each, and counts the end of the boot itself.
///
/// All of the boot has run, since a case may need what the cases before it have left. How many cases a suite has is
/// not looked at.
pub fn verify_some(boot: &str, pattern: &str, suites: &[Suite], failure: Option<&str>) -> Tally {
    let mut tally = Tally::default();
    let end = failure.map_or(Ok(()), Err);
    tally.count(&format!("{boot}: boots, runs and ends"), end);
    let cases = suites
        .iter()
        .flat_map(|suite| suite.cases.iter().map(move |case| (suite, case)));
    let mut found = false;
    for (suite, case) in cases.filter(|(_, case)| glob::matches(pattern, &case.name)) {
        found = true;
        let result = case.failure.as_deref().map_or(Ok(()), Err);
        let word = if result.is_ok() { "ok" } else { "not ok" };
        progress::note(&format!("{word} - {}: {}", suite.name, case.name));
        let name = format!("{}: {}: {}", boot, suite.name, case.name);
        tally.count(&name, result);
    }
    if !found {
        let reason = "no case that ran is called so".to_owned();
        tally.fail(format!("{boot}: --case {pattern}"), reason);
    }
    tally
}

/// Counts the cases of `suites`, and as one more result the end of the boot itself.
pub fn verify(boot: &str, expected: &Suites, suites: &[Suite], failure: Option<&str>) -> Tally {
    let mut tally = Tally::default();
    let name = |suite: &str| format!("{boot}: {suite}");
    match failure {
        None => tally.pass(),
        Some(reason) => tally.fail(name("boots, runs and ends"), reason.to_owned()),
    }
    for suite in suites {
        for case in &suite.cases {
            match &case.failure {
                None => tally.pass(),
                Some(reason) => {
                    tally.fail(
                        name(&format!("{}: {}", suite.name, case.name)),
                        reason.clone(),
                    );
                }
            }
        }
        for complaint in &suite.complaints {
            tally.fail(name(&suite.name), complaint.clone());
        }
        let same = suites.iter().filter(|other| other.name == suite.name);
        match expected.get(&suite.name) {
            Some(cases) if *cases != suite.cases.len() => {
                let reason = format!("{} cases, expected were {cases}", suite.cases.len());
                tally.fail(name(&suite.name), reason);
            }
            Some(_) if same.count() > 1 => {
                tally.fail(name(&suite.name), "the suite ran more than once".to_owned());
            }
            Some(_) => {}
            None => tally.fail(name(&suite.name), "nobody expected this suite".to_owned()),
        }
    }
    for (suite, cases) in expected {
        if !suites.iter().any(|printed| printed.name == *suite) {
            let reason = format!("the suite with its {cases} cases is missing");
            tally.fail(name(suite), reason);
        }
    }
    if expected.is_empty() {
        // A boot that tests nothing.
        tally.fail(boot.to_owned(), "no suite is expected of it".to_owned());
    }
    tally
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::ktap;
    use crate::suite::expected::printed;

    fn verify_output(output: &str) -> (usize, Vec<String>) {
        let expected = Suites::from([("smoke".to_owned(), 2)]);
        let tally = verify("boot", &expected, &ktap::parse(output), None);
        let reasons = tally.failures().map(|failure| failure.reason.clone());
        (tally.passed(), reasons.collect())
    }

    const SMOKE: &str = "KTAP version 1\n# Subtest: smoke\n1..2\nok 1 a\nok 2 b\n";

    #[test]
    fn the_expected_suites_pass() {
        assert_eq!(verify_output(SMOKE), (3, vec![]));
    }

    #[test]
    fn some_cases_are_counted_without_the_others() {
        let suites = ktap::parse("KTAP version 1\n# Subtest: smoke\n1..2\nok 1 a\nnot ok 2 b\n");
        let count = |pattern: &str, failure| {
            let tally = verify_some("boot", pattern, &suites, failure);
            (tally.passed(), tally.failed())
        };
        assert_eq!(count("a", None), (2, 0));
        assert_eq!(count("*", None), (2, 1));
        assert_eq!(count("c", None), (1, 1));
        assert_eq!(count("a", Some("it died")), (1, 1));
    }

    #[test]
    fn a_missing_suite_fails() {
        let (passed, reasons) = verify_output("");
        assert_eq!(passed, 1);
        assert_eq!(reasons, ["the suite with its 2 cases is missing"]);
    }

    #[test]
    fn another_number_of_cases_fails() {
        let output = "KTAP version 1\n# Subtest: smoke\n1..1\nok 1 a\n";
        assert_eq!(verify_output(output).1, ["1 cases, expected were 2"]);
    }

    #[test]
    fn a_boot_of_which_nothing_is_expected_fails() {
        for output in ["", SMOKE] {
            let tally = verify("boot", &Suites::new(), &ktap::parse(output), None);
            let mut reasons = tally.failures().map(|failure| failure.reason.as_str());
            assert!(reasons.any(|reason| reason == "no suite is expected of it"));
        }
    }

    #[test]
    fn what_a_boot_printed_is_right_only_if_nothing_failed() {
        let failed = |output: &str, failure| {
            let suites = ktap::parse(output);
            verify("boot", &printed(&suites), &suites, failure).failed()
        };
        assert_eq!(failed(SMOKE, None), 0);
        assert_eq!(failed(SMOKE, Some("it died")), 1);
        assert_eq!(failed("", None), 1);
        assert_eq!(failed(&SMOKE.replace("ok 2", "not ok 2"), None), 1);
        // One case is missing.
        assert_eq!(failed(&SMOKE.replace("ok 2 b\n", ""), None), 1);
        assert_eq!(failed(&format!("{SMOKE}{SMOKE}"), None), 2);
    }

    #[test]
    fn an_unexpected_or_repeated_suite_fails() {
        let output = format!("{SMOKE}KTAP version 1\n# Subtest: new\n1..1\nok 1 a\n");
        assert_eq!(verify_output(&output).1, ["nobody expected this suite"]);
        assert_eq!(verify_output(&format!("{SMOKE}{SMOKE}")).1.len(), 2);
    }

    #[test]
    fn a_failed_case_and_a_failed_boot_are_told_apart() {
        let output = "KTAP version 1\n# Subtest: smoke\n1..2\nok 1 a\n# why\nnot ok 2 b\n";
        let expected = Suites::from([("smoke".to_owned(), 2)]);
        let suites = ktap::parse(output);
        let tally = verify("boot", &expected, &suites, Some("no end within 9 s"));
        let failures: Vec<_> = tally
            .failures()
            .map(|failure| (failure.name.as_str(), failure.reason.as_str()))
            .collect();
        assert_eq!(
            failures,
            [
                ("boot: boots, runs and ends", "no end within 9 s"),
                ("boot: smoke: b", "# why")
            ]
        );
    }
}
