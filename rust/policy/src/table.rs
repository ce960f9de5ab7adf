// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The operations that a symbol table must offer to be asked.

use super::name::SymbolName;
use core::ops::{
    ControlFlow,
    Range, //
};

/// One symbol of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Symbol<'a> {
    /// The full name.
    pub name: SymbolName<'a>,
    /// The address; for a symbol of a file that is not linked yet, whatever its owner calls one.
    pub address: u64,
    /// The place in the order in which positions count: the line of `/proc/kallsyms` for vmlinux,
    /// the index in the symbol table for a module.
    pub seq: u32,
}

/// Takes the symbols of a walk one after the other and says whether to go on.
pub type Visit<'v> = dyn FnMut(Symbol<'_>) -> ControlFlow<()> + 'v;

/// A table that does not change and is sorted by name, as vmlinux's is.
///
/// A place is a symbol's number, counted from 0, if the symbols are sorted by the bytes of their
/// full names, and those of one name by `seq`.
pub trait NameIndex {
    /// Returns the number of symbols.
    fn size(&self) -> u32;

    /// Returns the places of the symbols whose full name is `name`; if there is none, the range is
    /// empty and begins where they would be.
    fn places(&self, name: SymbolName<'_>) -> Range<u32>;

    /// Hands the symbol at a place to `take`. A place past the last has none.
    fn symbol(&self, place: u32, take: &mut dyn FnMut(Symbol<'_>));
}

/// A table that can only be read from its start to its end, as a module's can.
pub trait SymbolSequence {
    /// Visits every symbol in the order in which positions count, `seq` ascending.
    fn walk(&self, visit: &mut Visit<'_>);
}
