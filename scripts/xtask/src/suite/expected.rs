// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The suites that each boot has to print, with their numbers of cases: a file for each kernel series and lane.
//!
//! A suite that is missing, that is not in the file, or that has another number of cases, is a failure. With
//! `KLP_BLESS=1` the file gets what the boots printed in which nothing failed.

use crate::report::ktap::Suite;
use anyhow::{Context, Result};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::{fs, io};

/// The numbers of cases by the names of suites, without the cases that are suites themselves. A suite within a suite
/// is called `outer/inner`.
pub type Suites = BTreeMap<String, usize>;

const HEAD: &str = "# The suites that each boot prints: the boot, the number of cases, and the suite.\n\
                    # `KLP_BLESS=1 cargo xtask test` writes here what boots printed in which nothing failed.\n";

/// The contents of a file: the suites of each boot.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct ExpectedSuites {
    boots: BTreeMap<String, Suites>,
}

impl ExpectedSuites {
    /// Reads a file. One that does not exist yet expects nothing of any boot.
    ///
    /// # Errors
    ///
    /// Fails if the file cannot be read, or has a line that is not understood.
    pub fn read(path: &Path) -> Result<Self> {
        match fs::read_to_string(path) {
            Ok(text) => Self::parse(&text).with_context(|| format!("in {}", path.display())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
        }
    }

    /// Writes the file.
    ///
    /// # Errors
    ///
    /// Fails if it cannot be written.
    pub fn write(&self, path: &Path) -> Result<()> {
        let folder = path.parent().context("a file without a folder")?;
        fs::create_dir_all(folder)
            .and_then(|()| fs::write(path, self.text()))
            .with_context(|| format!("cannot write {}", path.display()))
    }

    /// Returns the suites of a boot.
    pub fn of(&self, boot: &str) -> Option<&Suites> {
        self.boots.get(boot)
    }

    /// Expects other suites of a boot than before.
    pub fn bless(&mut self, boot: &str, suites: Suites) {
        self.boots.insert(boot.to_owned(), suites);
    }

    fn parse(text: &str) -> Result<Self> {
        let mut expected = Self::default();
        for (number, line) in text.lines().enumerate() {
            if line.starts_with('#') || line.is_empty() {
                continue;
            }
            let fields: Vec<_> = line.splitn(3, ' ').collect();
            let row = match fields[..] {
                [boot, cases, suite] => cases.parse().ok().map(|cases| (boot, cases, suite)),
                _ => None,
            };
            let (boot, cases, suite) = row.with_context(|| {
                format!("line {} is not `BOOT CASES SUITE`: {line}", number + 1)
            })?;
            let suites = expected.boots.entry(boot.to_owned()).or_default();
            suites.insert(suite.to_owned(), cases);
        }
        Ok(expected)
    }

    fn text(&self) -> String {
        let mut text = HEAD.to_owned();
        for (boot, suites) in &self.boots {
            for (suite, cases) in suites {
                let _ = writeln!(text, "{boot} {cases} {suite}");
            }
        }
        text
    }
}

/// Returns what was printed, as it would be expected.
pub fn printed(suites: &[Suite]) -> Suites {
    let pair = |suite: &Suite| (suite.name.clone(), suite.cases.len());
    suites.iter().map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::{Link, Series};
    use crate::report::ktap;
    use crate::suite::boots::BOOTS;
    use std::collections::BTreeSet;

    fn files() -> impl Iterator<Item = (Link, String, String)> {
        let all = Series::all().unwrap().into_iter();
        all.flat_map(|series| {
            let links = series.links.clone().into_iter();
            links.map(move |link| {
                let path = series.expected(link);
                let text = fs::read_to_string(&path).unwrap_or_default();
                (link, path.display().to_string(), text)
            })
        })
    }

    #[test]
    fn the_files_expect_something_of_each_boot_and_of_no_other() {
        for (link, path, text) in files() {
            let expected = ExpectedSuites::parse(&text).unwrap();
            assert_eq!(expected.text(), text, "{path}");
            let with = BOOTS.iter().filter(|boot| boot.links.contains(&link));
            let boots: BTreeSet<_> = with.map(|boot| boot.name).collect();
            let named: BTreeSet<_> = expected.boots.keys().map(String::as_str).collect();
            assert_eq!(named, boots, "{path}");
        }
    }

    #[test]
    fn every_derived_livepatch_is_a_case() {
        for (_, path, text) in files() {
            let expected = ExpectedSuites::parse(&text).unwrap();
            let suites = expected.of("variants").unwrap();
            assert_eq!(suites.len(), 4, "{path}");
            for (suite, cases) in suites {
                assert_eq!(*cases, klp_variants::cases::COUNT, "{path}: {suite}");
            }
        }
    }

    #[test]
    fn blessed_suites_are_read_as_they_were_written() {
        let output = "KTAP version 1\n# Subtest: smoke\n1..2\nok 1 a\nok 2 b\n";
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("expected/default.txt");
        let mut expected = ExpectedSuites::read(&path).unwrap();
        assert_eq!(expected, ExpectedSuites::default());
        expected.bless("kunit", printed(&ktap::parse(output)));
        expected.write(&path).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text, format!("{HEAD}kunit 2 smoke\n"));
        assert_eq!(ExpectedSuites::read(&path).unwrap(), expected);
    }

    #[test]
    fn a_line_that_is_not_understood_is_an_error() {
        for line in ["kunit smoke", "kunit smoke 2", "kunit"] {
            let error = ExpectedSuites::parse(line).unwrap_err().to_string();
            assert!(error.contains("line 1"), "{error}");
        }
    }
}
