// SPDX-License-Identifier: GPL-2.0 OR MIT

//! A symbol table in memory that behaves as the kernel's two kinds of table do.

use core::fmt;
use core::ops::ControlFlow;
use klp_policy::table::Visit;
use klp_policy::{
    NameIndex,
    Prefix,
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

    /// Visits the symbols whose name begins with `prefix`, sorted by name.
    pub(crate) fn walk_prefix(
        &self,
        prefix: &[u8],
        visit: &mut dyn FnMut(Symbol<'_>) -> ControlFlow<()>,
    ) {
        let first = self
            .by_name
            .partition_point(|&seq| self.symbol(seq).name.0 < prefix);
        for &seq in &self.by_name[first..] {
            let symbol = self.symbol(seq);
            if !symbol.name.0.starts_with(prefix) || visit(symbol).is_break() {
                return;
            }
        }
    }
}

impl NameIndex for Table {
    fn walk(&self, prefix: &Prefix<'_>, visit: &mut Visit<'_>) {
        let prefix: Vec<u8> = prefix.bytes().collect();
        self.walk_prefix(&prefix, visit);
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
