// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Finds the symbol in the kernel of each function and variable of a backend's object file.
//!
//! Names are not enough: a kernel has hundreds of statics with equal names. The order of symbols is. A
//! linker writes the local symbols of each file behind the file's `STT_FILE` symbol, in link order and in
//! the file's own order, and the last link keeps this order. [`order`] finds the symbols of a file in
//! `vmlinux.o` and in `vmlinux`, by names, types and sizes. [`content`] proves that the contents are those
//! that the backend wrote.

pub mod content;
pub mod order;

use crate::build::code::{Code, PieceId};
use crate::build::{BuildRefusal, RefusalKind};
use crate::elf::{ElfFile, Symbol, SymbolId};
use crate::target::Object;
use object::elf;
use object::read::ReadRef;
use order::MemberSymbols;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// An object of the kernel before and after its last link: `vmlinux.o` and `vmlinux`, or a module twice.
#[derive(Debug)]
pub struct Image<'i, 'd, R: ReadRef<'d>> {
    /// The file with relocations: `vmlinux.o`, or the `.ko`.
    relocatable: &'i ElfFile<'d, R>,
    /// The file with the kernel's symbols: `vmlinux`, or the `.ko`.
    linked: &'i ElfFile<'d, R>,
    object: &'i Object<'d>,
    files: MemberSymbols,
    linked_files: MemberSymbols,
    /// The symbols that are not local in `vmlinux.o`, by name.
    globals: HashMap<&'d [u8], SymbolId>,
    /// The symbols of vmlinux that were not local in `vmlinux.o`, by name.
    linked_globals: HashMap<&'d [u8], SymbolId>,
    /// The places in the kernel's table of symbols, by their indexes in the file.
    places: HashMap<u32, u32>,
}

/// The symbols of one file in the kernel.
#[derive(Clone, Debug, Default)]
pub struct Located {
    /// The symbol of each piece in the file with relocations.
    pub relocatable: HashMap<PieceId, SymbolId>,
    /// The symbol of each piece in the linked file.
    pub linked: HashMap<PieceId, SymbolId>,
}

/// Sections that the last link drops.
const DROPPED: [&[u8]; 6] = [
    b".discard",
    b".modinfo",
    b".exitcall",
    b".export_symbol",
    b".no_trim_symbol",
    b"__tracepoint_check",
];

/// Sections that the last link of a module drops.
const DROPPED_OF_MODULES: [&[u8]; 3] = [b".discard", b".export_symbol", b".no_trim_symbol"];

/// The beginning of the names that are stripped from vmlinux, but not from vmlinux.o: those by which modpost finds tables
/// of devices (scripts/Makefile.vmlinux of 7.3).
const STRIPPED: &[u8] = b"__mod_device_table__";

impl<'i, 'd, R: ReadRef<'d>> Image<'i, 'd, R> {
    /// Reads the symbols of an object; `members` are the bitcode files from which it was linked, in order.
    ///
    /// # Errors
    ///
    /// The order of files in the symbol tables is not the link order.
    pub fn new(
        relocatable: &'i ElfFile<'d, R>,
        linked: &'i ElfFile<'d, R>,
        object: &'i Object<'d>,
        members: &[PathBuf],
    ) -> Result<Self, BuildRefusal> {
        let files = MemberSymbols::of(relocatable, members)?;
        let linked_files = MemberSymbols::of(linked, members)?;
        let entries = (0..).zip(object.symbols.entries());
        let globals = |file: &'i ElfFile<'d, R>| {
            let symbols = file
                .symbols()
                .filter(|s| !s.is_static() && s.section().is_some());
            symbols.map(|s| (s.name, s.id)).collect()
        };
        let absolute = linked.symbols().filter(|s| !s.is_static());
        let absolute = absolute.filter(|s| s.place == crate::elf::Place::Absolute);
        let mut linked_globals: HashMap<_, _> = globals(linked);
        linked_globals.extend(absolute.map(|s| (s.name, s.id)));
        Ok(Self {
            files,
            linked_files,
            globals: globals(relocatable),
            linked_globals,
            places: entries.map(|(seq, entry)| (entry.index, seq)).collect(),
            relocatable,
            linked,
            object,
        })
    }

    /// Returns the object of the target.
    #[must_use]
    pub fn object(&self) -> &'i Object<'d> {
        self.object
    }

    /// Returns the place of a symbol of the linked file in the kernel's table, if the table lists the symbol.
    #[must_use]
    pub fn place(&self, symbol: SymbolId) -> Option<u32> {
        let index = u32::try_from(symbol.0).ok()?;
        self.places.get(&index).copied()
    }

    /// Returns the value of a symbol of the linked file, which is the symbol's address in vmlinux.
    #[must_use]
    pub fn address(&self, symbol: SymbolId) -> Option<u64> {
        Some(self.linked.get_symbol(symbol)?.value)
    }

    /// Returns the name of the section of a symbol of the linked file.
    #[must_use]
    pub fn section_of(&self, symbol: SymbolId) -> Option<&'d [u8]> {
        let section = self.linked.get_symbol(symbol)?.section()?;
        Some(self.linked.get_section(section)?.name)
    }

    /// Returns the contents of vmlinux at an address.
    #[must_use]
    pub fn bytes_at(&self, address: u64, size: u64) -> Option<&'d [u8]> {
        self.linked.bytes_at(address, size)
    }

    /// Returns the global symbol of a name.
    #[must_use]
    pub fn global(&self, name: &[u8]) -> Option<SymbolId> {
        self.linked_globals.get(name).copied()
    }

    /// Finds the symbols of a file that was linked into the object.
    ///
    /// # Errors
    ///
    /// The object does not have the symbols of the file in the order of the file.
    pub fn locate(&self, member: &Path, code: &Code<'_>) -> Result<Located, BuildRefusal> {
        let Some(at) = self.files.position(member) else {
            return Err(BuildRefusal {
                kind: RefusalKind::OtherBuild,
                subject: member.display().to_string(),
                reason: format!(
                    "is not among the files from which {} was linked",
                    self.relocatable.origin()
                ),
            });
        };
        let mut located = Located::default();
        let mut own = code
            .elf()
            .symbols()
            .filter(|s| s.bind == elf::STB_LOCAL && is_named(s) && !self.is_lost(code, s));
        let linked = self.linked_files.symbols(self.linked, at).filter(is_named);
        let mut linked = linked.peekable();
        for symbol in self.files.symbols(self.relocatable, at).filter(is_named) {
            let before = own.next();
            let Some(before) = before.filter(|before| before.name == symbol.name) else {
                return Err(self.mismatch(member, before, &symbol, code.elf().origin()));
            };
            let is_next = linked.peek().is_some_and(|next| next.name == symbol.name);
            let is_stripped = symbol.name.starts_with(STRIPPED) && !is_next;
            let after = if self.is_dropped(&symbol) || is_stripped {
                None
            } else {
                let after = linked.next();
                let is_same = |s: &Symbol<'_>| {
                    s.name == symbol.name && s.size == symbol.size && s.kind == symbol.kind
                };
                if !after.as_ref().is_some_and(is_same) {
                    return Err(self.mismatch(member, after, &symbol, self.linked.origin()));
                }
                after
            };
            if let Some(id) = own_piece(code, &before) {
                located.relocatable.insert(id, symbol.id);
                located.linked.extend(after.map(|after| (id, after.id)));
            }
        }
        let is_global = |s: &Symbol<'_>| s.bind != elf::STB_LOCAL && !self.is_lost(code, s);
        for symbol in code.elf().symbols().filter(is_global) {
            let Some(id) = own_piece(code, &symbol) else {
                continue;
            };
            let Some(&found) = self.globals.get(symbol.name) else {
                return Err(BuildRefusal {
                    kind: RefusalKind::OtherBuild,
                    subject: crate::printable::shown(symbol.name),
                    reason: format!(
                        "{} as compiled here defines it, but {} does not have it",
                        member.display(),
                        self.relocatable.origin()
                    ),
                });
            };
            located.relocatable.insert(id, found);
            located.linked.extend(
                self.linked_globals
                    .get(symbol.name)
                    .map(|&after| (id, after)),
            );
        }
        Ok(located)
    }

    fn is_dropped(&self, symbol: &Symbol<'_>) -> bool {
        let section = symbol
            .section()
            .and_then(|id| self.relocatable.get_section(id));
        let is_dropped = section.is_some_and(|s| DROPPED.iter().any(|d| s.name.starts_with(d)));
        is_dropped && !self.is_module()
    }

    /// Returns true if a module does not have a symbol of one of its files, because the last link of the
    /// module drops the section (`scripts/module.lds.S`).
    fn is_lost(&self, code: &Code<'_>, symbol: &Symbol<'_>) -> bool {
        let section = symbol.section().map(|id| code.section(id).name);
        let is_lost = |name: &[u8]| {
            let mut dropped = DROPPED_OF_MODULES.iter();
            dropped.any(|d| name.starts_with(d))
        };
        self.is_module() && section.is_some_and(is_lost)
    }

    fn is_module(&self) -> bool {
        !self.object.name.is_vmlinux()
    }

    fn mismatch(
        &self,
        member: &Path,
        found: Option<Symbol<'_>>,
        expected: &Symbol<'_>,
        origin: &str,
    ) -> BuildRefusal {
        let found = found.map_or_else(
            || "no symbol".to_owned(),
            |s| crate::printable::shown(s.name),
        );
        BuildRefusal {
            kind: RefusalKind::OtherBuild,
            subject: crate::printable::shown(expected.name),
            reason: format!(
                "{} has the symbol at this place among those of {}, but {origin} has {found} there: the files are not of \
                the same build (build the kernel again, or give the directory of its build)",
                self.relocatable.origin(),
                member.display(),
            ),
        }
    }
}

/// Returns the piece of a symbol; nothing if the symbol is an alias.
fn own_piece(code: &Code<'_>, symbol: &Symbol<'_>) -> Option<PieceId> {
    let id = code.piece_of(symbol.id)?;
    (code.piece(id).symbol == Some(symbol.id)).then_some(id)
}

/// Returns true if a symbol is in all files: linkers may drop private symbols, and objtool adds symbols of
/// prefixes.
fn is_named(symbol: &Symbol<'_>) -> bool {
    let name = symbol.name;
    let is_private = name.is_empty() || name.starts_with(b".L") || name.starts_with(b"__pfx_");
    !is_private && !matches!(symbol.kind, elf::STT_SECTION | elf::STT_FILE)
}
