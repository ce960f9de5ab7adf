// SPDX-License-Identifier: GPL-2.0 OR MIT

//! A tracer's second try, after the stock kernel found nothing by a name.

use super::name::{
    Sympos,
    KSYM_NAME_LEN, //
};
use super::query::{
    Asker,
    Query, //
};
use super::resolve::{
    matches_cleaned,
    walk_cleaned,
    Tally, //
};
use super::table::{
    NameIndex,
    Symbol,
    SymbolSequence, //
};
use core::ops::ControlFlow;

/// Counts the symbols that a name may stand for, over any number of tables.
///
/// These are the symbols with its cleaned name. If a symbol has exactly this name there are none:
/// the stock kernel has seen it, and had its reasons.
#[derive(Clone, Copy, Debug)]
pub struct Fallback<'q> {
    query: Query<'q>,
    tally: Tally,
    ruled_out: bool,
}

impl<'q> Fallback<'q> {
    /// Nothing counted yet.
    #[must_use]
    pub fn new(name: &'q [u8]) -> Self {
        Self {
            query: Query::asked_by(Asker::Tracer, name),
            tally: Tally::new(Sympos::UNIQUE),
            // No symbol has such a name; whoever sends one need not make us look.
            ruled_out: name.len() >= KSYM_NAME_LEN,
        }
    }

    /// Counts the symbols of `index`.
    pub fn count_in_index<T: NameIndex + ?Sized>(&mut self, index: &T) {
        if self.ruled_out {
            return;
        }
        let query = self.query;
        walk_cleaned(index, query.cleaned(), &mut |symbol| self.add(&symbol));
    }

    /// Counts the symbols of `table`.
    pub fn count_in_sequence<T: SymbolSequence + ?Sized>(&mut self, table: &T) {
        if self.ruled_out {
            return;
        }
        let cleaned = self.query.cleaned();
        table.walk(&mut |symbol| {
            if matches_cleaned(&cleaned, symbol.name) {
                return self.add(&symbol);
            }
            ControlFlow::Continue(())
        });
    }

    fn add(&mut self, symbol: &Symbol<'_>) -> ControlFlow<()> {
        self.ruled_out = self.query.exact() == Some(symbol.name);
        if self.ruled_out {
            return ControlFlow::Break(());
        }
        self.tally.add(symbol);
        ControlFlow::Continue(())
    }

    /// How many symbols the name may stand for.
    #[must_use]
    pub const fn matches(&self) -> u64 {
        if self.ruled_out {
            0
        } else {
            self.tally.matches()
        }
    }

    /// The address of the symbol, if there is exactly one.
    #[must_use]
    pub fn only(&self) -> Option<u64> {
        self.tally.only().filter(|_| !self.ruled_out)
    }
}
