// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Names of the kernel that only its build knows: hashes, and how many symbols have a name.

use anyhow::{Context, Result};
use std::collections::HashMap;

const NO_LITERAL: &str = "no promoted string literal";

/// The names of a kernel's symbols.
#[derive(Debug)]
pub struct Names {
    counts: HashMap<String, u64>,
    sorted: Vec<String>,
}

impl Names {
    /// Counts names; the order does not matter.
    #[must_use]
    pub fn new(names: impl Iterator<Item = String>) -> Self {
        let mut counts = HashMap::new();
        for name in names {
            *counts.entry(name).or_insert(0) += 1;
        }
        let mut sorted: Vec<String> = counts.keys().cloned().collect();
        sorted.sort();
        Self { counts, sorted }
    }

    /// Returns the number of symbols that have exactly this name.
    ///
    /// # Errors
    ///
    /// None has.
    pub fn count(&self, name: &str) -> Result<u64> {
        let count = self.counts.get(name).copied();
        count.with_context(|| format!("the kernel has no symbol {name}"))
    }

    /// Returns the name that most symbols have, and their number.
    ///
    /// # Errors
    ///
    /// There are no symbols.
    pub fn most_repeated(&self) -> Result<(&str, u64)> {
        let names = self
            .counts
            .iter()
            .map(|(name, &count)| (name.as_str(), count));
        // A name with a comma cannot be written.
        let names = names.filter(|(name, _)| !name.contains(','));
        let most = names.max_by_key(|&(name, count)| (count, name));
        most.context("no symbols")
    }

    /// The name of a promoted symbol with its hash.
    ///
    /// # Errors
    ///
    /// None is promoted, or several are.
    pub fn promoted(&self, name: &str) -> Result<&str> {
        let prefix = format!("{name}.llvm.");
        let mut found = self.counts.keys().filter(|n| n.starts_with(&prefix));
        let first = found
            .next()
            .with_context(|| format!("no symbol {prefix}"))?;
        anyhow::ensure!(found.next().is_none(), "several symbols {prefix}");
        Ok(first)
    }

    /// The longest name that only one symbol has.
    ///
    /// # Errors
    ///
    /// There is none.
    pub fn longest(&self) -> Result<&str> {
        let unique = self.counts.iter().filter(|(_, &count)| count == 1);
        // The text decides among names of one length: no run differs from another.
        let longest = unique.max_by_key(|(name, _)| (name.len(), name.as_str()));
        Ok(longest.context("no symbols")?.0)
    }

    /// The first promoted string literal: `.str.<n>.llvm.<hash>`.
    ///
    /// # Errors
    ///
    /// There is none.
    pub fn string_literal(&self) -> Result<&str> {
        self.string_literals().min().context(NO_LITERAL)
    }

    /// The last one: what is promoted and has a suffix where nothing else has.
    ///
    /// # Errors
    ///
    /// There is none.
    pub fn other_literal(&self) -> Result<&str> {
        self.string_literals().max().context(NO_LITERAL)
    }

    /// Any name: the same number is the same name.
    #[must_use]
    pub fn at(&self, number: usize) -> &str {
        &self.sorted[number % self.sorted.len()]
    }

    /// Any name that ends so.
    #[must_use]
    pub fn ending(&self, number: usize, end: &str) -> Option<&str> {
        let from = number % self.sorted.len();
        let mut names = self.sorted[from..].iter().chain(&self.sorted[..from]);
        names.find(|name| name.ends_with(end)).map(String::as_str)
    }

    fn string_literals(&self) -> impl Iterator<Item = &str> {
        let strings = self.counts.keys().filter(|n| n.starts_with(".str."));
        strings.filter(|n| n.contains(".llvm.")).map(String::as_str)
    }
}
