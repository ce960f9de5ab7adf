// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Entries of special sections, and the code without symbols to which they refer.

use super::body::{BodyRelocation, BodySection, BodySymbol, Contents};
use super::extractor::Extractor;
use crate::build::code::{Code, PieceId, Reference, ReferenceTarget, Span, TableEntry};
use crate::build::compare::form::is_content;
use crate::build::compare::names;
use crate::build::{KbuildObject, RefusalKind};
use crate::elf::Section;
use crate::printable::shown;
use object::elf;
use object::read::ReadRef;

/// The prefix of a tracepoint, which has a static key.
const TRACEPOINT: &str = "__tracepoint_";

/// The section with the livepatch's own static key, which is never enabled.
const KEY_OF_NOBODY: &[u8] = b".data.klp_key_of_nobody";

/// The instruction `endbr64`.
const ENDBR: [u8; 4] = [0xf3, 0x0f, 0x1e, 0xfa];

/// A table of places at which objtool expects no ENDBR.
struct NoEndbr {
    name: &'static [u8],
    flags: elf::SectionFlags,
    /// The bytes of an entry, which begins with the place.
    entry: &'static [u8],
}

/// The tables that tell objtool, of which each objtool reads one (`tools/objtool/check.c`).
const NO_ENDBR: [NoEndbr; 2] = [
    // On 6.12: read_noendbr_hints().
    NoEndbr {
        name: b".discard.noendbr",
        flags: elf::SectionFlags(0),
        entry: &[0; 4],
    },
    // On 7.3: read_annotate(), with ANNOTYPE_NOENDBR behind the place.
    NoEndbr {
        name: b".discard.annotate_insn",
        flags: elf::SHF_MERGE,
        entry: &[0, 0, 0, 0, 1, 0, 0, 0],
    },
];

impl<'d, R: ReadRef<'d>> Extractor<'_, '_, 'd, R> {
    /// Adds an entry of a table that belongs to a function, without its relocations; `of` is the new section of the
    /// function.
    pub(super) fn place_entry(
        &mut self,
        unit: usize,
        owner: PieceId,
        of: BodySection,
        entry: &TableEntry,
    ) {
        let code = self.code(unit);
        let source = code.section(entry.section);
        if source.name == b"__jump_table" {
            self.expect_no_key_of_module(unit, owner, entry);
        }
        let is_ordered = source.flags.contains(elf::SHF_LINK_ORDER);
        let known = self.tables.get(source.name).copied();
        let table = match known.filter(|_| !is_ordered) {
            Some(table) => table,
            None => self.add_table(source, is_ordered.then_some(of)),
        };
        let bytes = code.bytes(entry.section, entry.start, entry.end);
        let at = self.result.body.append(table, bytes, 1);
        let key = (unit, entry.section, entry.start);
        self.entries.insert(key, (table, at));
    }

    /// Adds the relocations of an entry that was added.
    pub(super) fn link_entry(&mut self, unit: usize, owner: PieceId, entry: &TableEntry) {
        let (table, at) = self.entries[&(unit, entry.section, entry.start)];
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

    /// Refuses a jump label with a key in a module, except the key of a tracepoint.
    fn expect_no_key_of_module(&mut self, unit: usize, owner: PieceId, entry: &TableEntry) {
        let code = self.code(unit);
        let references = code.references(entry.section, entry.start, entry.end);
        let name = references
            .last()
            .and_then(|key| self.key_in_module(unit, key));
        let Some(name) = name else {
            return;
        };
        let function = code.name(owner);
        if let Some(tracepoint) = name.strip_prefix(TRACEPOINT) {
            self.result.warnings.push(format!(
                "{function}: the new function will not hit the tracepoint {tracepoint} of the module, because a livepatch \
                cannot use the static key of a module"
            ));
            return;
        }
        let what = format!(
            "depends on the static key {name} of a module: the kernel reads the key before the module's addresses are \
            known (use static_key_enabled(&{name}) in the patch instead of static_branch_likely())"
        );
        self.refuse(RefusalKind::Key, unit, function, &what);
    }

    /// Returns true if a reference from a table is a reference to the key of a module's tracepoint.
    pub(super) fn is_key_of_tracepoint(&self, unit: usize, key: &Reference<'_>) -> bool {
        let name = self.key_in_module(unit, key);
        name.is_some_and(|name| name.starts_with(TRACEPOINT))
    }

    /// Returns the livepatch's own static key, which is never enabled.
    pub(super) fn key_of_nobody(&mut self) -> BodySymbol {
        let known = self.tables.get(KEY_OF_NOBODY).copied();
        let section = known.unwrap_or_else(|| {
            let section = self.result.body.add_section(Contents {
                name: KEY_OF_NOBODY.to_vec(),
                kind: elf::SHT_PROGBITS,
                flags: elf::SectionFlags(elf::SHF_ALLOC.0 | elf::SHF_WRITE.0),
                align: 8,
                entsize: 0,
                // struct static_key, as STATIC_KEY_INIT_FALSE has it.
                data: vec![0; 16],
                size: 16,
                link: None,
            });
            self.tables.insert(KEY_OF_NOBODY.to_vec(), section);
            section
        });
        self.result.body.section_symbol(section)
    }

    /// Returns the name of a static key, if the key is a variable of the patched module.
    fn key_in_module(&self, unit: usize, key: &Reference<'_>) -> Option<String> {
        let object = &self.inputs.units[unit].object;
        if *object == KbuildObject::Vmlinux {
            return None;
        }
        let code = self.code(unit);
        match key.target {
            // A descriptor of pr_debug() is taken together with its key.
            ReferenceTarget::Piece(key) if !is_content(code, key) => {
                let is_old = self.inputs.pairings.of(unit).original(key).is_some();
                is_old.then(|| code.name(key))
            }
            ReferenceTarget::External(name) => {
                let image = self.inputs.images.get(object)?;
                image.global(name).map(|_| shown(&names::clean(name)))
            }
            _ => None,
        }
    }

    /// Tells objtool that nothing calls a replacement by a pointer: ftrace returns to it.
    ///
    /// The compiler puts no ENDBR into a function if nothing takes its address, but the livepatch's own
    /// table does.
    pub(super) fn expect_no_endbr(&mut self, unit: usize, id: PieceId) {
        let code = self.code(unit);
        let piece = code.piece(id);
        if code.bytes(piece.section, piece.entry, piece.entry + 4) == ENDBR {
            return;
        }
        let (symbol, addend) = self.place_in(unit, id);
        for NoEndbr { name, flags, entry } in NO_ENDBR {
            let known = self.tables.get(name).copied();
            let table = known.unwrap_or_else(|| {
                let table = self.result.body.add_section(Contents {
                    name: name.to_vec(),
                    kind: elf::SHT_PROGBITS,
                    flags,
                    align: 1,
                    entsize: if flags == elf::SHF_MERGE { 8 } else { 0 },
                    data: Vec::new(),
                    size: 0,
                    link: None,
                });
                self.tables.insert(name.to_vec(), table);
                table
            });
            let offset = self.result.body.append(table, entry, 1);
            let relocation = BodyRelocation {
                offset,
                kind: elf::R_X86_64_32.0,
                symbol,
                addend,
            };
            self.result.body.add_relocation(table, relocation);
        }
    }

    /// Returns the place of code without a symbol, and adds the code if it is new.
    pub(super) fn chunk(
        &mut self,
        unit: usize,
        owner: PieceId,
        (section, start, end): Span,
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
