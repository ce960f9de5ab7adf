// SPDX-License-Identifier: GPL-2.0 OR MIT

//! A tracer's second try, after the stock kernel found nothing by a name.

use super::name::{
    SymbolName,
    KSYM_NAME_LEN, //
};
use super::query::{
    Asker,
    Query, //
};
use super::resolve::matches_cleaned;
use super::search::walk_cleaned;
use super::table::{
    NameIndex,
    Symbol,
    Visit, //
};

/// The symbols that a tracer's name may stand for: those with its cleaned name, in any number of
/// tables.
#[derive(Clone, Copy, Debug)]
pub struct Fallback<'q> {
    query: Query<'q>,
    possible: bool,
}

impl<'q> Fallback<'q> {
    /// Asks by `name`.
    #[must_use]
    pub fn new(name: &'q [u8]) -> Self {
        Self {
            query: Query::asked_by(Asker::Tracer, name),
            // No symbol has a longer name; whoever sends one need not make us look.
            possible: name.len() < KSYM_NAME_LEN,
        }
    }

    /// Returns the bytes with which each of the symbols begins.
    ///
    /// A symbol may have its first suffix before any dot but one that it begins with.
    #[must_use]
    pub fn start(&self) -> &'q [u8] {
        let first = self.query.cleaned().segments().next().unwrap_or_default();
        let dot = first.iter().skip(1).position(|&b| b == b'.');
        &first[..dot.map_or(first.len(), |dot| dot + 1)]
    }

    /// Returns whether `name` is the very name that was asked by.
    #[must_use]
    pub fn is_exact(&self, name: SymbolName<'_>) -> bool {
        self.query.exact() == Some(name)
    }

    /// Visits the symbols of `index`; a place that is `near` that of the name saves time.
    pub fn visit_in_index<T: NameIndex + ?Sized>(
        &self,
        index: &T,
        mut near: Option<u32>,
        visit: &mut Visit<'_>,
    ) {
        if self.possible {
            walk_cleaned(index, self.query.cleaned(), &mut near, visit);
        }
    }

    /// Returns whether a symbol of the full name `name` is one of them.
    #[must_use]
    pub fn is_namesake(&self, name: SymbolName<'_>) -> bool {
        self.possible && matches_cleaned(&self.query.cleaned(), name)
    }
}

/// The symbols that a [`Fallback`] has found.
#[derive(Clone, Copy, Debug, Default)]
pub struct Namesakes {
    /// The number of symbols of exactly the name: the stock kernel takes one of them.
    pub exact: u64,
    /// The number of others.
    pub others: u64,
    /// The address of the last of these.
    address: u64,
}

impl Namesakes {
    /// Counts one symbol.
    pub fn add(&mut self, fallback: &Fallback<'_>, symbol: &Symbol<'_>) {
        if fallback.is_exact(symbol.name) {
            self.exact += 1;
        } else {
            self.others += 1;
            self.address = symbol.address;
        }
    }

    /// Returns how many symbols the name may stand for.
    ///
    /// If a symbol has exactly this name there are none: the stock kernel has seen it.
    #[must_use]
    pub const fn matches(&self) -> u64 {
        if self.exact > 0 {
            0
        } else {
            self.others
        }
    }

    /// Returns the address of the symbol, if there is exactly one.
    #[must_use]
    pub fn only(&self) -> Option<u64> {
        (self.matches() == 1).then_some(self.address)
    }
}
