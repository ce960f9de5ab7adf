// SPDX-License-Identifier: GPL-2.0 OR MIT

//! One symbol of a table.

use klp_policy::SymbolName;

/// One symbol of a [`SymbolTable`](super::SymbolTable).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'d> {
    /// The full name.
    pub name: SymbolName<'d>,
    /// The address; in a module that is not loaded, the offset in its section.
    pub address: u64,
    /// The letter that /proc/kallsyms prints.
    pub letter: u8,
    /// The index in the symbol table that it is from, or the line.
    pub index: u32,
    /// True if the symbol stays, false if it is there only while its module initializes.
    pub live: bool,
}
