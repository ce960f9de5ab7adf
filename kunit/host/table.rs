// SPDX-License-Identifier: GPL-2.0 OR MIT

//! A symbol table in memory that behaves as the kernel's two kinds of table do.

use core::fmt;
use core::ops::Range;
use klp_policy::table::Visit;
use klp_policy::{
    NameIndex,
    Symbol,
    SymbolName,
    SymbolSequence, //
};

/// Names with their addresses, in the order in which positions count.
pub(crate) struct Table {
    symbols: Vec<(Vec<u8>, u64)>,
    /// Indexes into `symbols`, sorted by name; equal names in the order of the table. As
    /// `kallsyms_seqs_of_names` in the kernel.
    by_name: Vec<u32>,
}

impl Table {
    /// A table of `symbols`, in the order in which they are given.
    pub(crate) fn new<N: Into<Vec<u8>>>(symbols: impl IntoIterator<Item = (N, u64)>) -> Self {
        let symbols: Vec<(Vec<u8>, u64)> = symbols
            .into_iter()
            .map(|(name, address)| (name.into(), address))
            .collect();
        let mut by_name: Vec<u32> = (0..).take(symbols.len()).collect();
        by_name.sort_by_key(|&seq| &symbols[seq as usize].0);
        Self { symbols, by_name }
    }

    /// Symbol number `seq`.
    pub(crate) fn symbol(&self, seq: u32) -> Symbol<'_> {
        let (name, address) = &self.symbols[seq as usize];
        Symbol {
            name: SymbolName(name),
            address: *address,
            seq,
        }
    }

    /// Every symbol, in the order of the table.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Symbol<'_>> {
        (0..).take(self.symbols.len()).map(|seq| self.symbol(seq))
    }
}

impl NameIndex for Table {
    fn size(&self) -> u32 {
        self.by_name.len().try_into().unwrap_or(u32::MAX)
    }

    fn places(&self, name: SymbolName<'_>) -> Range<u32> {
        let names = |seq: &u32| Table::symbol(self, *seq).name.0;
        let place = |count: usize| count.try_into().unwrap_or(u32::MAX);
        let start = self.by_name.partition_point(|seq| names(seq) < name.0);
        let end = self.by_name.partition_point(|seq| names(seq) <= name.0);
        place(start)..place(end)
    }

    fn symbol(&self, place: u32, take: &mut dyn FnMut(Symbol<'_>)) {
        if let Some(&seq) = self.by_name.get(place as usize) {
            take(Table::symbol(self, seq));
        }
    }
}

impl SymbolSequence for Table {
    fn walk(&self, visit: &mut Visit<'_>) {
        let _ = self.iter().try_for_each(visit);
    }
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter().map(|s| s.name)).finish()
    }
}
