// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Takes functions and variables into the livepatch: each has a section of its own there.

use super::body::{BodySection, BodySymbol, Contents, SymbolSort};
use super::extraction::Addition;
use super::extractor::{cleaned, Extractor};
use crate::build::code::piece::CFI_PREFIX;
use crate::build::code::{PieceId, PieceKind};
use crate::build::compare::form::is_content;
use crate::build::compare::names;
use object::elf;
use object::read::ReadRef;

/// The beginning of the names of sections with per-cpu variables.
const PER_CPU: &[u8] = b".data..percpu";

/// The section with a pointer for each `printk()`. The pointers follow their functions, and nobody looks at one.
pub(super) const PRINTK_INDEX: &[u8] = b".printk_index";

impl<'d, R: ReadRef<'d>> Extractor<'_, '_, 'd, R> {
    /// Returns the new symbol of a function or variable, and takes it if it is new.
    pub(super) fn take(&mut self, unit: usize, id: PieceId) -> BodySymbol {
        if let Some(&(_, symbol)) = self.taken.get(&(unit, id)) {
            return symbol;
        }
        let code = self.code(unit);
        let piece = code.piece(id);
        let source = code.section(piece.section);
        let size = piece.end - piece.start;
        let section = self.result.body.add_section(Contents {
            name: section_name(source.name),
            kind: source.kind,
            flags: elf::SectionFlags(source.flags.0 & !elf::SHF_GROUP.0),
            align: alignment(piece.start, source.align),
            entsize: 0,
            data: code.bytes(piece.section, piece.start, piece.end).to_vec(),
            size,
            link: None,
        });
        let is_changed = self.changed.contains(&(unit, id));
        let is_function = piece.kind == PieceKind::Function;
        let sort = SymbolSort {
            is_function,
            is_global: is_changed,
        };
        let at = piece.entry - piece.start;
        let symbol = if piece.name.is_none() {
            self.result.body.section_symbol(section)
        } else {
            let name = self.global_name(unit, id);
            self.result
                .body
                .define(name, section, (at, size - at), sort)
        };
        self.define_prefix(unit, id, section);
        self.taken.insert((unit, id), (section, symbol));
        self.queue.push_back((unit, id));
        let is_indexed = source.name == PRINTK_INDEX;
        if !is_changed && !is_indexed && !is_content(code, id) {
            self.result.additions.push(Addition {
                unit,
                name: code.name(id),
                is_function,
            });
        }
        symbol
    }

    /// Defines the symbol at the type id of a function.
    fn define_prefix(&mut self, unit: usize, id: PieceId, section: BodySection) {
        let code = self.code(unit);
        let piece = code.piece(id);
        let mut symbols = code.elf().symbols();
        let prefix = symbols.find(|s| {
            s.section() == Some(piece.section)
                && (piece.start..piece.entry).contains(&s.value)
                && s.name.starts_with(CFI_PREFIX)
        });
        if let Some(prefix) = prefix {
            let sort = SymbolSort {
                is_function: true,
                is_global: false,
            };
            let name = names::clean(prefix.name);
            let at = (prefix.value - piece.start, prefix.size);
            self.result.body.define(name, section, at, sort);
        }
    }

    /// Returns a unique name among the symbols of the livepatch, since two changed statics may have the
    /// same name.
    pub(super) fn global_name(&self, unit: usize, id: PieceId) -> Vec<u8> {
        let name = cleaned(self.code(unit).piece(id));
        let is_same = |key: &&(usize, PieceId)| cleaned(self.code(key.0).piece(key.1)) == name;
        if !self.changed.contains(&(unit, id)) || self.changed.iter().filter(is_same).count() == 1 {
            return name;
        }
        [&name[..], format!(".klp{unit}_{}", id.0).as_bytes()].concat()
    }
}

/// Returns the alignment of the contents at a place in a section.
fn alignment(place: u64, of_section: u64) -> u64 {
    match place {
        0 => of_section,
        place => (1 << place.trailing_zeros().min(12)).min(of_section.max(1)),
    }
}

/// Returns the name of a section in the livepatch: that of one build has the hash of a promoted name, and of per-cpu
/// sections the module loader only knows one (`find_pcpusec()` of `kernel/module/main.c`).
fn section_name(name: &[u8]) -> Vec<u8> {
    if name.starts_with(PER_CPU) {
        return PER_CPU.to_vec();
    }
    names::clean(name)
}
