// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Entries of special sections, and the code without symbols that they lead to.

use super::body::{BodySection, Contents};
use super::{Extractor, Part};
use crate::build::code::{Code, Entry, PieceId, Target};
use crate::build::Object;
use crate::elf::Section;
use object::elf;
use object::read::ReadRef;

impl<'d, R: ReadRef<'d>> Extractor<'_, '_, 'd, R> {
    /// Adds an entry of a table that belongs to a function, whose new section is `of`.
    pub(super) fn entry(&mut self, unit: usize, owner: PieceId, of: BodySection, entry: &Entry) {
        let code = self.code(unit);
        let source = code.section(entry.section);
        let is_ordered = source.flags.contains(elf::SHF_LINK_ORDER);
        let known = self.tables.get(source.name).copied();
        let table = match known.filter(|_| !is_ordered) {
            Some(table) => table,
            None => self.add_table(source, is_ordered.then_some(of)),
        };
        let bytes = code.bytes(entry.section, entry.start, entry.end);
        let at = self.result.body.append(table, bytes, 1);
        if source.name == b"__jump_table" {
            self.expect_no_module_key(unit, owner, entry);
        }
        let part = (entry.section, entry.start, entry.end);
        self.link(unit, owner, table, part, at, Some(entry));
    }

    fn add_table(&mut self, source: &Section<'_>, link: Option<BodySection>) -> BodySection {
        let table = self.result.body.add_section(Contents {
            name: source.name.to_vec(),
            kind: source.kind,
            flags: elf::SectionFlags(source.flags.0 & !elf::SHF_GROUP.0),
            align: source.align,
            entsize: source.entsize,
            data: Vec::new(),
            size: 0,
            link,
        });
        self.tables.insert(source.name.to_vec(), table);
        table
    }

    /// Refuses a jump label whose key is in a module.
    fn expect_no_module_key(&mut self, unit: usize, owner: PieceId, entry: &Entry) {
        if self.inputs.units[unit].object == Object::Vmlinux {
            return;
        }
        let code = self.code(unit);
        let references = code.references(entry.section, entry.start, entry.end);
        let Some(Target::Piece(key)) = references.last().map(|r| r.target) else {
            return;
        };
        if self.inputs.pairings.of(unit).original(key).is_some() {
            let key = code.name(key);
            let what = format!(
                "depends on the static key {key} of a module: the kernel looks at the key before the \
                 module's addresses are known (ask static_key_enabled(&{key}) in the patch, in place \
                 of static_branch_likely())"
            );
            self.refuse(unit, code.name(owner), &what);
        }
    }

    /// Returns the place of code without symbol, which is added if it is not there yet.
    pub(super) fn chunk(
        &mut self,
        unit: usize,
        owner: PieceId,
        (section, start, end): Part,
    ) -> (BodySection, u64) {
        let key = (unit, section, start);
        if let Some(&known) = self.chunks.get(&key).filter(|_| start < end) {
            return known;
        }
        let code: &Code<'_> = self.code(unit);
        let source = code.section(section);
        let known = self.tables.get(source.name).copied();
        let new = known.unwrap_or_else(|| self.add_table(source, None));
        let bytes = code.bytes(section, start, end);
        let at = self.result.body.append(new, bytes, 1);
        if start < end {
            self.chunks.insert(key, (new, at));
            self.link(unit, owner, new, (section, start, end), at, None);
        }
        (new, at)
    }
}
