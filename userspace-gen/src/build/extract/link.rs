// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The relocations of what was taken: each refers to a part of the livepatch or to a symbol of the running kernel.

use super::body::{BodyRelocation, BodySection, Referent};
use super::extractor::{cleaned, Extractor};
use super::take::PRINTK_INDEX;
use crate::build::code::{
    Code, Piece, PieceId, PieceKind, Reference, ReferenceTarget, Span, TableEntry,
};
use crate::build::compare::form::{is_content, DESCRIPTORS};
use crate::build::compare::{is_boot_only, names, Side};
use crate::build::RefusalKind;
use crate::printable::shown;
use object::read::ReadRef;

/// The flags in a reference to a static key (`jump_entry_key()` in `include/linux/jump_label.h`).
const FLAGS_OF_KEY: i64 = 3;

impl<'x, 'd, R: ReadRef<'d>> Extractor<'x, '_, 'd, R> {
    /// Adds the relocations of a function or variable that was taken, and its entries of tables.
    pub(super) fn fill(&mut self, unit: usize, id: PieceId) {
        let code = self.code(unit);
        let piece = code.piece(id);
        let (section, _) = self.taken[&(unit, id)];
        let part = (piece.section, piece.start, piece.end);
        // First, since the code may refer to them.
        for entry in code.entries(id) {
            self.place_entry(unit, id, section, entry);
        }
        self.link(unit, id, section, part, 0, None);
        for entry in code.entries(id) {
            self.link_entry(unit, id, entry);
        }
        if piece.kind == PieceKind::Function {
            let name = cleaned(piece);
            let index = [&name[..], b"._entry_ptr"].concat();
            let goes_along = |piece: &Piece<'_>| {
                let is_part = piece
                    .name
                    .and_then(names::parent)
                    .is_some_and(|p| p == name);
                // Only the name tells to which function an entry of printk's index belongs.
                let is_indexed = code.section(piece.section).name == PRINTK_INDEX
                    && piece.name.is_some_and(|name| names::stem(name) == index);
                is_part || is_indexed
            };
            let along = code.numbered().filter(|(_, piece)| goes_along(piece));
            for (part, _) in along.collect::<Vec<_>>() {
                self.take(unit, part);
            }
        }
    }

    /// Adds the relocations of a part of a section. The part begins at `at` in the new section.
    pub(super) fn link(
        &mut self,
        unit: usize,
        owner: PieceId,
        section: BodySection,
        (from, start, end): Span,
        at: u64,
        entry: Option<&TableEntry>,
    ) {
        let code = self.code(unit);
        for mut reference in code.references(from, start, end) {
            if let Some(entry) = entry {
                let layouts = self.inputs.layouts;
                reference.target = code.entry_target(entry, reference.target, layouts);
            }
            let is_own = reference.target == ReferenceTarget::Piece(owner);
            let goes_there = reference.is_branch || reference.delta != 0;
            let symbol = if is_own && entry.is_some() {
                Some(self.place_in(unit, owner))
            } else if entry.is_some() && self.is_key_of_tracepoint(unit, &reference) {
                reference.delta &= FLAGS_OF_KEY;
                Some((self.key_of_nobody(), 0))
            } else if is_own && goes_there {
                Some(self.new_code(unit, owner, &reference))
            } else {
                self.symbol(unit, owner, &reference)
            };
            if let Some((symbol, distance)) = symbol {
                let addend = distance.wrapping_add(reference.delta);
                let relocation = BodyRelocation {
                    offset: at + (reference.offset - start),
                    kind: reference.kind,
                    symbol,
                    addend: addend.wrapping_sub(reference.behind),
                };
                self.result.body.add_relocation(section, relocation);
            }
        }
    }

    /// Returns the symbol for a function that was taken, or for a place in it.
    ///
    /// objtool takes a jump to a symbol for a call that does not return, also if the place is in the middle
    /// of the function that jumps there (`add_jump_destinations()` in `tools/objtool/check.c`). An
    /// alternative jumps to a label in this way.
    fn new_code(&mut self, unit: usize, id: PieceId, reference: &Reference<'x>) -> Referent {
        if reference.delta != 0 && self.code(unit).piece(id).kind == PieceKind::Function {
            return self.place_in(unit, id);
        }
        (self.take(unit, id), 0)
    }

    /// Returns the place of a function that was taken, as the symbol of its section and an offset.
    ///
    /// The assembler writes entries of tables in this form, and objtool requires the form for some tables
    /// (`add_dead_ends()` in `tools/objtool/check.c`).
    pub(super) fn place_in(&mut self, unit: usize, id: PieceId) -> Referent {
        let piece = self.code(unit).piece(id);
        let entry = piece.entry - piece.start;
        self.take(unit, id);
        let (section, _) = self.taken[&(unit, id)];
        let symbol = self.result.body.section_symbol(section);
        (symbol, 0_i64.wrapping_add_unsigned(entry))
    }

    /// Returns the symbol for the target of a reference.
    fn symbol(
        &mut self,
        unit: usize,
        owner: PieceId,
        reference: &Reference<'x>,
    ) -> Option<Referent> {
        let code = self.code(unit);
        match reference.target {
            ReferenceTarget::Piece(id) => self.piece(unit, owner, id, reference),
            ReferenceTarget::External(name) => {
                match self.inputs.pairings.definition(Side::Patched, name) {
                    Some((other, id)) => self.piece(other, id, id, reference),
                    None => self.external(unit, owner, name),
                }
            }
            ReferenceTarget::Constant {
                section,
                start,
                end,
            } => {
                let part = (section, start, end);
                if let Some(link) = self.name_of_lock(unit, owner, part) {
                    return Some(link);
                }
                let body = &mut self.result.body;
                Some(self.constants.link(body, code, part, reference.kind))
            }
            ReferenceTarget::Chunk {
                section,
                start,
                end,
            } => {
                let (section, at) = self.chunk(unit, owner, (section, start, end));
                let symbol = self.result.body.section_symbol(section);
                Some((symbol, 0_i64.wrapping_add_unsigned(at)))
            }
            ReferenceTarget::Entry(TableEntry { section, start, .. })
                if self.entries.contains_key(&(unit, section, start)) =>
            {
                let (section, at) = self.entries[&(unit, section, start)];
                let symbol = self.result.body.section_symbol(section);
                Some((symbol, 0_i64.wrapping_add_unsigned(at)))
            }
            ReferenceTarget::Entry(TableEntry { section, .. })
            | ReferenceTarget::Loose(section) => {
                let section = shown(code.section(section).name);
                let what = format!("refers to a place in {section} without a symbol");
                self.refuse(RefusalKind::Variable, unit, code.name(owner), &what);
                None
            }
            ReferenceTarget::Absolute => {
                let what = "refers to an absolute symbol, a number that only the linker knows";
                self.refuse(RefusalKind::Variable, unit, code.name(owner), what);
                None
            }
        }
    }

    /// Returns the symbol for a function or variable of one of the files.
    fn piece(
        &mut self,
        unit: usize,
        owner: PieceId,
        id: PieceId,
        reference: &Reference<'x>,
    ) -> Option<Referent> {
        let code = self.code(unit);
        let section = code.section(code.piece(id).section);
        if is_content(code, id) {
            if section.is_writable() && section.name != DESCRIPTORS {
                let what = "uses a variable without a name, which cannot be identified";
                self.refuse(RefusalKind::Variable, unit, code.name(owner), what);
                return None;
            }
            return Some((self.take(unit, id), 0));
        }
        let Some(original) = self.inputs.pairings.of(unit).original(id) else {
            self.expect_new(unit, owner, id)?;
            return Some((self.take(unit, id), 0));
        };
        let goes_there = reference.is_branch || reference.delta != 0;
        let is_new_code = self.changed.contains(&(unit, id)) || self.is_part(unit, id);
        if is_new_code && goes_there {
            return Some(self.new_code(unit, id, reference));
        }
        self.existing_symbol(unit, original, code.name(id))
    }

    /// Returns true if a piece is a part of a changed function, with a symbol of its own.
    fn is_part(&self, unit: usize, id: PieceId) -> bool {
        let code = self.code(unit);
        let parent = code.piece(id).name.and_then(names::parent);
        let is_it = |&(of, id): &(usize, PieceId)| {
            of == unit && parent.as_ref() == Some(&cleaned(code.piece(id)))
        };
        parent.is_some() && self.changed.iter().any(is_it)
    }

    /// Refuses functions and variables that cannot be new in a livepatch.
    fn expect_new(&mut self, unit: usize, owner: PieceId, id: PieceId) -> Option<()> {
        let code = self.code(unit);
        let piece = code.piece(id);
        if is_boot_only(code.section(piece.section).name) {
            let what = format!(
                "uses {}, which the kernel frees after boot or after the module was loaded",
                code.name(id)
            );
            self.refuse(RefusalKind::Init, unit, code.name(owner), &what);
            return None;
        }
        let group = self.inputs.pairings.of(unit).left_of(code, id);
        // A second copy of a constant is as good as the first.
        let is_state = code.section(piece.section).is_writable();
        let is_open = piece.kind == PieceKind::Data && is_state && !group.originals.is_empty();
        if is_open && !names::is_forgetful(piece.name.unwrap_or_default()) {
            let names_of = |code: &Code<'_>, ids: &[PieceId]| {
                let names = ids
                    .iter()
                    .map(|&id| shown(code.piece(id).name.unwrap_or_default()));
                names.collect::<Vec<_>>().join(", ")
            };
            let original = &self.inputs.versions[unit].original;
            let (what, advice) = if names::is_part(piece.name.unwrap_or_default()) {
                (
                    "LLVM split a struct, and its parts",
                    "change other functions",
                )
            } else {
                (
                    "several variables of one name",
                    "use other names for new variables",
                )
            };
            let what = format!(
                "{what} cannot be told apart: {} before the patch, {} with the patch ({advice})",
                names_of(original, &group.originals),
                names_of(code, &group.patched)
            );
            self.refuse(RefusalKind::Variable, unit, code.name(id), &what);
            return None;
        }
        Some(())
    }
}
