// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The tables with entries that belong to a function: `__bug_table`, `.altinstructions`, `__ex_table` and others.
//!
//! The sizes of entries depend on the kernel; they are read by a probe that is compiled with the kernel's flags.

use crate::elf::SectionId;

/// Sizes and fields of the entries of tables, as the kernel's headers define them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layouts {
    /// The size of `struct bug_entry`.
    pub bug_entry: u64,
    /// The offset of its line number, which is not compared.
    pub bug_line: Option<u64>,
    /// The size of `struct alt_instr`.
    pub alt_instr: u64,
    /// The offset of the length of the replacement in it.
    pub alt_length: u64,
    /// The size of `struct exception_table_entry`.
    pub ex_entry: u64,
    /// The size of `struct jump_entry`.
    pub jump_entry: u64,
    /// The size of `struct error_injection_entry`.
    pub error_injection_entry: u64,
    /// The first byte of the line number of `struct _ddebug`, and a mask of 32 bits.
    pub ddebug_line: Option<(u64, u32)>,
}

impl Layouts {
    /// The layouts of 6.12 on x86-64.
    pub const X86_64: Self = Self {
        bug_entry: 12,
        bug_line: Some(8),
        alt_instr: 14,
        alt_length: 13,
        ex_entry: 12,
        jump_entry: 16,
        error_injection_entry: 16,
        ddebug_line: Some((32, 0x3_ffff)),
    };

    /// Returns the size of the entries of a table; 0 where each entry has one relocation and begins with it.
    pub(super) fn entry_size(&self, table: &[u8]) -> u64 {
        match table {
            b"__bug_table" => self.bug_entry,
            b".altinstructions" => self.alt_instr,
            b"__ex_table" => self.ex_entry,
            b"__jump_table" => self.jump_entry,
            b"_error_injection_whitelist" => self.error_injection_entry,
            b".smp_locks" | b".kcfi_traps" => 4,
            b"_kprobe_blacklist" | b"__patchable_function_entries" => 8,
            _ => 0,
        }
    }
}

/// The tables with entries that belong to functions.
const TABLES: [&[u8]; 9] = [
    b"__bug_table",
    b".altinstructions",
    b"__ex_table",
    b"__jump_table",
    b"_error_injection_whitelist",
    b".smp_locks",
    b".kcfi_traps",
    b"_kprobe_blacklist",
    b"__patchable_function_entries",
];

/// Sections with notes for other tools than objtool.
const NOT_FOR_OBJTOOL: [&[u8]; 1] = [b".discard.addressable"];

/// Returns true if a section has entries that belong to functions.
#[must_use]
pub fn is_table(name: &[u8]) -> bool {
    TABLES.contains(&name) || name.starts_with(b".discard.") && !NOT_FOR_OBJTOOL.contains(&name)
}

/// An entry of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableEntry {
    /// The table.
    pub section: SectionId,
    /// The first byte.
    pub start: u64,
    /// The place behind the last byte.
    pub end: u64,
}
