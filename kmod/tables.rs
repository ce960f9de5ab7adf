// SPDX-License-Identifier: GPL-2.0

//! The symbol tables of the running kernel, as the rule wants to see them.

use super::policy::{
    list_in_index,
    list_in_sequence,
    resolve_in_index,
    resolve_in_sequence,
    visit_in_index,
    Candidate,
    Found,
    NameIndex,
    Policy,
    Query,
    Reason,
    Symbol,
    SymbolName,
    SymbolSequence,
    Sympos,
    Visit,
    KSYM_NAME_LEN, //
};
use core::{
    ffi::CStr,
    ops::{
        ControlFlow,
        Range, //
    },
};
use kernel::{
    kallsyms::{
        self,
        Modules, //
    },
    prelude::*, //
};

static_assert!(KSYM_NAME_LEN == kallsyms::KSYM_NAME_LEN);

/// An object whose symbols are asked for by someone who may sleep.
#[derive(Clone, Copy)]
pub(crate) enum Object<'a> {
    Vmlinux,
    Module(&'a CStr),
}

impl Object<'_> {
    /// The symbol that a query means, or why it means none.
    pub(crate) fn resolve(self, query: &Query<'_>, sympos: Sympos) -> Result<Found, Reason> {
        match self {
            Self::Vmlinux => resolve_in_index(&Vmlinux, Policy::Llvm, query, sympos),
            Self::Module(name) => {
                let symbols = ModuleSymbols(Modules::One(name));
                resolve_in_sequence(&symbols, Policy::Llvm, query, sympos)
            }
        }
    }

    /// Visits what a query matches, in the order of positions.
    pub(crate) fn list(
        self,
        query: &Query<'_>,
        visit: &mut dyn FnMut(Candidate<'_>) -> ControlFlow<()>,
    ) {
        match self {
            Self::Vmlinux => list_in_index(&Vmlinux, Policy::Llvm, query, visit),
            Self::Module(name) => {
                let symbols = ModuleSymbols(Modules::One(name));
                list_in_sequence(&symbols, Policy::Llvm, query, visit);
            }
        }
    }

    /// Hands the full name of a symbol that was found to `show`.
    pub(crate) fn name_of(
        self,
        query: &Query<'_>,
        found: &Found,
        show: &mut dyn FnMut(SymbolName<'_>),
    ) {
        let mut visit = |symbol: Symbol<'_>| {
            // Both: the table of a module changes at the end of its initialisation.
            if (symbol.seq, symbol.address) != (found.seq, found.address) {
                return ControlFlow::Continue(());
            }
            show(symbol.name);
            ControlFlow::Break(())
        };
        match self {
            Self::Vmlinux => visit_in_index(&Vmlinux, Policy::Llvm, query, &mut visit),
            Self::Module(name) => ModuleSymbols(Modules::One(name)).walk(&mut visit),
        }
    }

    /// The object's name, as `objname` in a livepatch.
    pub(crate) fn name(&self) -> SymbolName<'_> {
        match self {
            Self::Vmlinux => SymbolName(b"vmlinux"),
            Self::Module(name) => SymbolName(name.to_bytes()),
        }
    }
}

/// The symbols of vmlinux. They never change.
pub(crate) struct Vmlinux;

impl NameIndex for Vmlinux {
    fn size(&self) -> u32 {
        kallsyms::symbol_count()
    }

    fn places(&self, name: SymbolName<'_>) -> Range<u32> {
        let mut buf = [0; KSYM_NAME_LEN];
        // A longer name is no symbol's, and where it would be is of no use.
        terminated(name.0, &mut buf).map_or(0..0, kallsyms::places)
    }

    fn symbol(&self, place: u32, take: &mut dyn FnMut(Symbol<'_>)) {
        kallsyms::with_sorted_symbol(place, |name, address, seq| {
            take(Symbol {
                name: SymbolName(name.to_bytes()),
                address: address as u64,
                seq,
            });
        });
    }
}

/// The symbols of modules, for whoever may sleep.
pub(crate) struct ModuleSymbols<'a>(pub(crate) Modules<'a>);

impl SymbolSequence for ModuleSymbols<'_> {
    fn walk(&self, visit: &mut Visit<'_>) {
        kallsyms::module_on_each_symbol(self.0, in_order(visit));
    }
}

/// Numbers the symbols of a walk.
fn in_order<'a>(visit: &'a mut Visit<'a>) -> impl FnMut(&CStr, usize) -> ControlFlow<()> + 'a {
    let mut seq = 0;
    move |name, address| {
        let symbol = Symbol {
            name: SymbolName(name.to_bytes()),
            address: address as u64,
            seq,
        };
        seq += 1;
        visit(symbol)
    }
}

/// Copies `bytes` to `buf`, with a NUL behind them; `None` if there is no room, or a NUL in them.
pub(crate) fn terminated<'b>(bytes: &[u8], buf: &'b mut [u8]) -> Option<&'b CStr> {
    buf.get_mut(..bytes.len())?.copy_from_slice(bytes);
    *buf.get_mut(bytes.len())? = 0;
    CStr::from_bytes_with_nul(&buf[..=bytes.len()]).ok()
}
