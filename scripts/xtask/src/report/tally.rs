// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Counts results of every kind together.

use std::fmt;

/// Something that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The place and the test.
    pub name: String,
    /// The reason, on any number of lines; empty if the log says it.
    pub reason: String,
}

/// The number of tests that passed, and the failures.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    passed: usize,
    failures: Vec<Failure>,
}

impl Tally {
    /// Counts something that passed.
    pub fn pass(&mut self) {
        self.passed += 1;
    }

    /// Counts something that failed.
    pub fn fail(&mut self, name: String, reason: String) {
        self.failures.push(Failure { name, reason });
    }

    /// Counts a test that is a function.
    pub fn count<E: fmt::Display>(&mut self, name: &str, result: Result<(), E>) {
        match result {
            Ok(()) => self.pass(),
            Err(error) => self.fail(name.to_owned(), format!("{error:#}")),
        }
    }

    /// Adds the results of a part.
    pub fn add(&mut self, part: Self) {
        self.passed += part.passed;
        self.failures.extend(part.failures);
    }

    /// The same, with the names of what failed as names within `whole`.
    pub fn within(mut self, whole: &str) -> Self {
        for failure in &mut self.failures {
            failure.name = format!("{whole}: {}", failure.name);
        }
        self
    }

    /// Returns the number of tests that passed.
    pub fn passed(&self) -> usize {
        self.passed
    }

    /// Returns the number of tests that failed.
    pub fn failed(&self) -> usize {
        self.failures.len()
    }

    /// Returns the failures.
    pub fn failures(&self) -> impl Iterator<Item = &Failure> {
        self.failures.iter()
    }

    /// Prints what failed, and the sum as the last line.
    pub fn print(&self) {
        for failure in self.failures() {
            println!("FAILED {}", failure.name);
            for line in failure.reason.lines() {
                println!("    {line}");
            }
        }
        println!("{} passed, {} failed", self.passed(), self.failed());
    }
}
