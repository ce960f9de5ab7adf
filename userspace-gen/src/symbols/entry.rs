// SPDX-License-Identifier: GPL-2.0 OR MIT

//! A symbol of a table.

use klp_policy::SymbolName;

/// A symbol of a [`SymbolTable`](super::SymbolTable).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'d> {
    /// The full name.
    pub name: SymbolName<'d>,
    /// The address; in a module that is not loaded, the offset in its section.
    pub address: u64,
    /// The letter that /proc/kallsyms prints.
    pub letter: u8,
    /// The index in the symbol table of its file, or the line of the text.
    pub index: u32,
    /// True if the symbol stays, false if the kernel drops it after its module has initialized.
    pub live: bool,
}
