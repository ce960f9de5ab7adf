// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Finds the entries of tables that belong to a function: an entry belongs to the function into which its first
//! relocation points.

use super::file::Code;
use super::piece::PieceId;
use super::references::ReferenceTarget;
use super::tables::{is_table, Layouts, TableEntry};
use crate::elf::{Section, SectionId};

impl<'d> Code<'d> {
    /// Returns the entries of tables that belong to a function, table by table.
    #[must_use]
    pub fn entries(&self, id: PieceId) -> &[TableEntry] {
        self.entries.get(&id).map_or(&[], |entries| entries)
    }

    /// Returns the entry of a table at a place, if the entry belongs to a function.
    #[must_use]
    pub fn entry_at(&self, section: SectionId, offset: u64) -> Option<TableEntry> {
        let before = self.places_of_entries.range(..=(section, offset));
        let (_, &entry) = before.last()?;
        (entry.section == section && offset < entry.end).then_some(entry)
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
                    self.places_of_entries
                        .insert((entry.section, entry.start), entry);
                    self.entries.entry(owner).or_default().push(entry);
                }
            }
        }
    }

    fn split(&self, section: &Section<'d>, layouts: &Layouts) -> Vec<TableEntry> {
        let entry = |start, end| TableEntry {
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
    pub fn entry_target(
        &self,
        entry: &TableEntry,
        target: ReferenceTarget<'d>,
        layouts: &Layouts,
    ) -> ReferenceTarget<'d> {
        let (ReferenceTarget::Chunk { section, start, .. }, b".altinstructions") =
            (target, self.section(entry.section).name)
        else {
            return target;
        };
        let length = entry.start + layouts.alt_length;
        let length = self.bytes(entry.section, length, length + 1).first();
        let length = length.map_or(0, |&length| u64::from(length));
        ReferenceTarget::Chunk {
            section,
            start,
            end: start + length,
        }
    }
}
