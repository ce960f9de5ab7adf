// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The content of a function or variable, in a form that is equal in both builds if the content did not
//! change.

use super::names::stem;
use super::sections::is_loaded;
use super::versions::Side;
use crate::build::code::{Code, Layouts, PieceId, Reference, ReferenceTarget, TableEntry};
use crate::elf::SectionId;

/// The bytes of a function or variable, with references instead of the numbers that a linker writes there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Form {
    bytes: Vec<u8>,
    links: Vec<FormReference>,
    /// The entries of tables that belong to the function, with the names of the tables.
    entries: Vec<(Vec<u8>, Form)>,
}

/// A reference.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct FormReference {
    offset: u64,
    kind: u32,
    key: ReferentKey,
    delta: i64,
}

/// The identity of the target of a reference, in both builds.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ReferentKey {
    /// A symbol of a file that did not change.
    Name(Vec<u8>),
    /// A function or variable that both builds have: the file's number and that of the original.
    Pair(usize, PieceId),
    /// One of several functions or variables without a known pair: the file's number and the name.
    OneOf(usize, Vec<u8>),
    /// A function or variable that only one build has.
    Alone(Side, usize, PieceId),
    /// A constant, by its bytes.
    Constant(Vec<u8>),
    /// A private function or variable, by its content.
    Content(Box<Form>),
    /// A place that belongs to no piece, by the section.
    Loose(Vec<u8>),
    /// A number.
    Absolute,
}

/// The depth to which private content is followed; a table of tables has depth 2.
const DEPTH: usize = 8;

/// Descriptors of `pr_debug()`: each copy of a function has its own.
pub const DESCRIPTORS: &[u8] = b"__dyndbg";

/// Makes forms of the pieces of one file.
pub struct Forms<'f, 'd> {
    /// The file.
    pub code: &'f Code<'d>,
    /// The layouts of entries.
    pub layouts: &'f Layouts,
    /// The identity of a piece of the file.
    pub piece: &'f dyn Fn(PieceId) -> ReferentKey,
    /// The identity of a symbol that the file does not define.
    pub external: &'f dyn Fn(&[u8]) -> ReferentKey,
}

impl<'d> Forms<'_, 'd> {
    /// Returns the form of a piece with the entries that belong to it.
    #[must_use]
    pub fn of(&self, id: PieceId) -> Form {
        let piece = self.code.piece(id);
        let mut form = self.part(piece.section, piece.start, piece.end, 0, None);
        for entry in self.code.entries(id) {
            let table = self.code.section(entry.section).name;
            form.entries.push((table.to_vec(), self.entry(entry, 0)));
        }
        form
    }

    /// Returns the form of an entry of a table, without the line number of `WARN()`.
    fn entry(&self, entry: &TableEntry, depth: usize) -> Form {
        let mut form = self.part(entry.section, entry.start, entry.end, depth, Some(entry));
        let line = self.layouts.bug_line;
        let line = line.filter(|_| self.code.section(entry.section).name == b"__bug_table");
        if let Some(at) = line.and_then(|at| usize::try_from(at).ok()) {
            mask(&mut form.bytes, at, 2);
        }
        form
    }

    fn part(
        &self,
        section: SectionId,
        start: u64,
        end: u64,
        depth: usize,
        entry: Option<&TableEntry>,
    ) -> Form {
        let mut bytes = self.code.bytes(section, start, end).to_vec();
        if bytes.is_empty() {
            // The section has zeros that are not in the file.
            bytes = end.saturating_sub(start).to_le_bytes().to_vec();
        }
        let mut links = Vec::new();
        for reference in self.code.references(section, start, end) {
            let offset = reference.offset.saturating_sub(start);
            let width = usize::try_from(reference.width()).unwrap_or(0);
            mask(
                &mut bytes,
                usize::try_from(offset).unwrap_or(usize::MAX),
                width,
            );
            links.push(FormReference {
                offset,
                kind: reference.kind,
                key: self.key(&reference, depth, entry),
                delta: reference.delta,
            });
        }
        Form {
            bytes,
            links,
            entries: Vec::new(),
        }
    }

    fn key(
        &self,
        reference: &Reference<'d>,
        depth: usize,
        entry: Option<&TableEntry>,
    ) -> ReferentKey {
        let target = match entry {
            Some(entry) => self
                .code
                .entry_target(entry, reference.target, self.layouts),
            None => reference.target,
        };
        match target {
            ReferenceTarget::External(name) => (self.external)(name),
            ReferenceTarget::Piece(id) if self.is_content(id) && depth < DEPTH => {
                let piece = self.code.piece(id);
                let mut form = self.part(piece.section, piece.start, piece.end, depth + 1, None);
                if let (true, Some((at, line))) = (self.is_descriptor(id), self.layouts.ddebug_line)
                {
                    clear_bits(&mut form.bytes, at, line);
                }
                ReferentKey::Content(Box::new(form))
            }
            ReferenceTarget::Piece(id) => (self.piece)(id),
            ReferenceTarget::Constant {
                section,
                start,
                end,
            } => ReferentKey::Constant(self.code.bytes(section, start, end).to_vec()),
            ReferenceTarget::Chunk {
                section,
                start,
                end,
            } if depth < DEPTH => {
                ReferentKey::Content(Box::new(self.part(section, start, end, depth + 1, None)))
            }
            ReferenceTarget::Entry(entry) if depth < DEPTH => {
                ReferentKey::Content(Box::new(self.entry(&entry, depth + 1)))
            }
            ReferenceTarget::Chunk { section, .. }
            | ReferenceTarget::Entry(TableEntry { section, .. })
            | ReferenceTarget::Loose(section) => {
                ReferentKey::Loose(stem(self.code.section(section).name))
            }
            ReferenceTarget::Absolute => ReferentKey::Absolute,
        }
    }

    /// Returns true if a piece is compared by its content: no other file can refer to it.
    fn is_content(&self, id: PieceId) -> bool {
        is_content(self.code, id)
    }

    fn is_descriptor(&self, id: PieceId) -> bool {
        self.code.section(self.code.piece(id).section).name == DESCRIPTORS
    }
}

/// The name of the constants that printk makes for its index. They contain line numbers.
pub const INDEX_ENTRY: &[u8] = b"._entry";

/// Returns true if a piece is in the memory of a running kernel and is compared by itself: private content is
/// compared together with the function that uses it.
#[must_use]
pub fn is_compared(code: &Code<'_>, id: PieceId) -> bool {
    is_loaded(code.section(code.piece(id).section).name) && !is_content(code, id)
}

/// Returns true if a piece is taken together with the function that uses it: a private constant, a
/// descriptor of `pr_debug()`, or an entry of printk's index.
#[must_use]
pub fn is_content(code: &Code<'_>, id: PieceId) -> bool {
    let piece = code.piece(id);
    let section = code.section(piece.section);
    let Some(name) = piece.name else {
        return true;
    };
    let is_index_entry =
        !section.is_writable() && !section.is_code() && stem(name).ends_with(INDEX_ENTRY);
    section.name == DESCRIPTORS || is_index_entry
}

fn mask(bytes: &mut [u8], at: usize, width: usize) {
    let end = at.saturating_add(width).min(bytes.len());
    if let Some(field) = bytes.get_mut(at..end) {
        field.fill(0);
    }
}

fn clear_bits(bytes: &mut [u8], at: u64, bits: u32) {
    let at = usize::try_from(at).unwrap_or(usize::MAX);
    for (byte, mask) in bytes.iter_mut().skip(at).zip(bits.to_le_bytes()) {
        *byte &= !mask;
    }
}
