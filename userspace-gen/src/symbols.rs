// SPDX-License-Identifier: GPL-2.0 OR MIT

//! A symbol table in the order in which positions count.

mod entry;
mod position;

pub use entry::Entry;
pub use position::Position;

use klp_policy::{NameIndex, Policy, SymbolName, SymbolSequence};
use std::cell::OnceCell;
use std::hash::RandomState;

/// The symbols of one object in the order in which positions count.
#[derive(Clone, Debug, Default)]
pub struct SymbolTable<'d> {
    entries: Vec<Entry<'d>>,
    by_name: OnceCell<Vec<u32>>,
    /// The places of the live symbols, by full name; `None` if all symbols are live.
    live_by_name: OnceCell<Option<Vec<u32>>>,
}

impl<'d> SymbolTable<'d> {
    /// Returns a table of `entries`, which are in order. Entries beyond the first 2^32 are dropped.
    #[must_use]
    pub fn new(mut entries: Vec<Entry<'d>>) -> Self {
        entries.truncate(u32::MAX as usize);
        Self {
            entries,
            by_name: OnceCell::new(),
            live_by_name: OnceCell::new(),
        }
    }

    /// Returns the symbols.
    #[must_use]
    pub fn entries(&self) -> &[Entry<'d>] {
        &self.entries
    }

    /// Returns the symbol at a place, which the policy calls `seq`.
    #[must_use]
    pub fn get(&self, seq: u32) -> Option<&Entry<'d>> {
        self.entries.get(seq as usize)
    }

    /// Returns the first symbol of a full name.
    #[must_use]
    pub fn by_name(&self, name: &[u8]) -> Option<&Entry<'d>> {
        self.first_with_prefix(name).filter(|e| e.name.0 == name)
    }

    /// Returns the first symbol, by full name, with a name that begins with `prefix`.
    #[must_use]
    pub fn first_with_prefix(&self, prefix: &[u8]) -> Option<&Entry<'d>> {
        let sorted = self.sorted();
        let at = sorted.partition_point(|&i| self.name(i) < prefix);
        let entry = self.get(*sorted.get(at)?);
        entry.filter(|e| e.name.0.starts_with(prefix))
    }

    /// Returns the live symbols, with their positions under `policy`.
    pub fn live(&self, policy: Policy) -> impl Iterator<Item = (&Entry<'d>, Position)> {
        let live = || self.entries.iter().filter(|e| e.live);
        live().zip(position::all(policy, live(), &RandomState::new()))
    }

    fn name(&self, index: u32) -> &'d [u8] {
        self.get(index).map_or(&[], |e| e.name.0)
    }

    /// Returns the places of the symbols, by full name and then in their order.
    fn sorted(&self) -> &[u32] {
        self.by_name.get_or_init(|| {
            let mut places: Vec<u32> = (0..).take(self.entries.len()).collect();
            places.sort_unstable_by(|&a, &b| self.name(a).cmp(self.name(b)).then(a.cmp(&b)));
            places
        })
    }

    /// Returns the places of the live symbols, by full name and then in their order.
    fn sorted_live(&self) -> &[u32] {
        let live = |&seq: &u32| self.get(seq).is_some_and(|entry| entry.live);
        let fewer = self.live_by_name.get_or_init(|| {
            let sorted = self.sorted();
            let all = sorted.iter().all(live);
            (!all).then(|| sorted.iter().copied().filter(live).collect())
        });
        fewer.as_deref().unwrap_or_else(|| self.sorted())
    }
}

/// The symbols of an object that the livepatch core sees at one time.
#[derive(Clone, Copy, Debug)]
pub struct ObjectView<'t, 'd> {
    table: &'t SymbolTable<'d>,
    live: bool,
}

impl<'t, 'd> ObjectView<'t, 'd> {
    /// Returns vmlinux, or a module after its init function, without init symbols.
    #[must_use]
    pub fn live(table: &'t SymbolTable<'d>) -> Self {
        Self { table, live: true }
    }

    /// Returns a module before its init function, when an installed livepatch is applied to it.
    #[must_use]
    pub fn coming(table: &'t SymbolTable<'d>) -> Self {
        Self { table, live: false }
    }
}

impl ObjectView<'_, '_> {
    fn sees(&self, entry: &Entry<'_>) -> bool {
        entry.live || !self.live
    }

    /// Returns the places of the visible symbols, by full name and then in their order.
    fn sorted(&self) -> &[u32] {
        if self.live {
            self.table.sorted_live()
        } else {
            self.table.sorted()
        }
    }
}

impl NameIndex for ObjectView<'_, '_> {
    fn size(&self) -> u32 {
        self.sorted().len().try_into().unwrap_or(u32::MAX)
    }

    fn places(&self, name: SymbolName<'_>) -> std::ops::Range<u32> {
        let sorted = self.sorted();
        let place = |count: usize| count.try_into().unwrap_or(u32::MAX);
        let start = sorted.partition_point(|&seq| self.table.name(seq) < name.0);
        let count = sorted[start..].partition_point(|&seq| self.table.name(seq) == name.0);
        place(start)..place(start + count)
    }

    fn symbol(&self, place: u32, take: &mut dyn FnMut(klp_policy::Symbol<'_>)) {
        let seq = self.sorted().get(place as usize);
        if let Some((seq, entry)) = seq.and_then(|&seq| Some((seq, self.table.get(seq)?))) {
            take(symbol(seq, entry));
        }
    }
}

impl SymbolSequence for ObjectView<'_, '_> {
    fn walk(&self, visit: &mut klp_policy::table::Visit<'_>) {
        for (seq, entry) in (0..).zip(&self.table.entries) {
            if self.sees(entry) && visit(symbol(seq, entry)).is_break() {
                return;
            }
        }
    }
}

fn symbol<'d>(seq: u32, entry: &Entry<'d>) -> klp_policy::Symbol<'d> {
    klp_policy::Symbol {
        name: entry.name,
        address: entry.address,
        seq,
    }
}
