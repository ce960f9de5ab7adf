// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Entries of tables that belong to a function: `__bug_table`, `.altinstructions`, `__ex_table` and others.
//!
//! An entry belongs to the function into which its first relocation points. The sizes of entries depend on
//! the kernel; they are read by a probe that is compiled with the kernel's flags.

use super::references::Target;
use super::{Code, PieceId};
use crate::elf::{Section, SectionId};

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
    fn entry_size(&self, table: &[u8]) -> u64 {
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
pub struct Entry {
    /// The table.
    pub section: SectionId,
    /// The first byte.
    pub start: u64,
    /// The place behind the last byte.
    pub end: u64,
}

impl<'d> Code<'d> {
    /// Returns the entries of tables that belong to a function, table by table.
    #[must_use]
    pub fn entries(&self, id: PieceId) -> &[Entry] {
        self.entries.get(&id).map_or(&[], |entries| entries)
    }

    pub(super) fn find_entries(&mut self, layouts: &Layouts) {
        for section in self.sections.clone() {
            if !is_table(section.name) {
                continue;
            }
            for entry in self.split(&section, layouts) {
                let mut relocations = self.relocations(section.id, entry.start, entry.end).iter();
                let owner = relocations.next().and_then(|first| {
                    let symbol = self.elf.get_symbol(first.symbol)?;
                    let offset = symbol.value.wrapping_add_signed(first.addend);
                    self.piece_at(symbol.section()?, offset)
                });
                if let Some(owner) = owner {
                    self.entries.entry(owner).or_default().push(entry);
                }
            }
        }
    }

    fn split(&self, section: &Section<'d>, layouts: &Layouts) -> Vec<Entry> {
        let entry = |start, end| Entry {
            section: section.id,
            start,
            end,
        };
        let size = layouts.entry_size(section.name);
        if let Some(count) = section.size.checked_div(size) {
            let starts = (0..count).map(|at| at * size);
            return starts.map(|start| entry(start, start + size)).collect();
        }
        let mut starts: Vec<_> = self
            .relocations(section.id, 0, section.size)
            .iter()
            .map(|r| r.offset)
            .collect();
        starts.dedup();
        let ends = starts.iter().skip(1).copied().chain([section.size]);
        starts
            .iter()
            .zip(ends)
            .map(|(&start, end)| entry(start, end))
            .collect()
    }

    /// Returns the target of a reference from an entry, without a replacement that has no bytes.
    #[must_use]
    pub fn entry_target(&self, entry: &Entry, target: Target<'d>, layouts: &Layouts) -> Target<'d> {
        let (Target::Chunk { section, start, .. }, b".altinstructions") =
            (target, self.section(entry.section).name)
        else {
            return target;
        };
        let length = entry.start + layouts.alt_length;
        let length = self.bytes(entry.section, length, length + 1).first();
        let length = length.map_or(0, |&length| u64::from(length));
        Target::Chunk {
            section,
            start,
            end: start + length,
        }
    }
}
