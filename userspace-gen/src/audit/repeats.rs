// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Names that several symbols share.

use crate::elf::{ElfFile, SymbolId};
use crate::printable::shown;
use crate::symbols::{Entry, SymbolTable};
use klp_policy::Policy;
use object::read::ReadRef;
use std::collections::BTreeMap;

/// A name that several symbols share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repeat {
    /// The name.
    pub name: String,
    /// The number of symbols with the name.
    pub matches: usize,
}

/// The names that one rule makes ambiguous.
#[derive(Clone, Debug)]
pub struct Rule {
    /// The rule.
    pub policy: Policy,
    /// The names that need a position, sorted.
    pub repeats: Vec<Repeat>,
}

impl Rule {
    /// Finds the names that a rule makes ambiguous.
    #[must_use]
    pub fn new(policy: Policy, symbols: &SymbolTable<'_>) -> Self {
        let mut counts = BTreeMap::<Vec<u8>, usize>::new();
        for entry in symbols.entries() {
            *counts
                .entry(policy.clean(entry.name.0).bytes().collect())
                .or_default() += 1;
        }
        let repeats = counts.iter().filter(|(_, matches)| **matches > 1);
        Self {
            policy,
            repeats: repeats
                .map(|(name, &matches)| Repeat {
                    name: shown(name),
                    matches,
                })
                .collect(),
        }
    }

    /// Returns the number of symbols that cannot be identified by name alone.
    #[must_use]
    pub fn symbols(&self) -> usize {
        self.repeats.iter().map(|repeat| repeat.matches).sum()
    }
}

/// Returns the exact names of both a static and a global symbol.
pub(super) fn static_and_global<'d, R: ReadRef<'d>>(
    elf: &ElfFile<'d, R>,
    symbols: &SymbolTable<'_>,
) -> Vec<Repeat> {
    repeats_that(symbols, |group| {
        let symbol = |entry: &&Entry<'_>| elf.get_symbol(SymbolId(entry.index as usize));
        let symbols = || group.iter().filter_map(symbol);
        symbols().any(|s| s.is_static()) && !symbols().all(|s| s.is_static())
    })
}

/// Returns the exact names of symbols that are not in address order in the symbol table.
pub(super) fn out_of_order(symbols: &SymbolTable<'_>) -> Vec<Repeat> {
    repeats_that(symbols, |group| {
        !group.is_sorted_by_key(|entry| entry.index)
    })
}

/// Returns the exact names of several symbols for which `wanted` returns true. `wanted` gets the symbols in
/// address order.
fn repeats_that(symbols: &SymbolTable<'_>, wanted: impl Fn(&[&Entry<'_>]) -> bool) -> Vec<Repeat> {
    let mut groups = BTreeMap::<&[u8], Vec<&Entry<'_>>>::new();
    for entry in symbols.entries() {
        groups.entry(entry.name.0).or_default().push(entry);
    }
    groups.retain(|_, group| group.len() > 1 && wanted(group));
    groups
        .iter()
        .map(|(name, group)| Repeat {
            name: shown(name),
            matches: group.len(),
        })
        .collect()
}
