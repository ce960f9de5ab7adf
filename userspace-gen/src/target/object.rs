// SPDX-License-Identifier: GPL-2.0 OR MIT

//! An object of a target: vmlinux, or a module.

use super::{ftrace, rule_of, Sources, Traceable};
use crate::elf::{ElfFile, Symbol, SymbolId};
use crate::symbols::{ObjectView, SymbolTable};
use klp_policy::{
    list_in_index, list_in_sequence, resolve_in_index, Found, ObjName, Policy, Query, Reason,
    Sympos,
};
use memchr::memmem;
use object::read::{ReadCache, ReadRef};
use std::cell::OnceCell;
use std::collections::HashMap;
use std::fs::File;
use std::ops::ControlFlow;

/// The names of namespaces, by the exports' names.
pub(super) type Namespaces = HashMap<Vec<u8>, Vec<u8>>;

/// An object of a target.
#[derive(Debug)]
pub struct Object<'d> {
    /// Its name.
    pub name: ObjName<'d>,
    /// The name of its file in messages.
    pub origin: String,
    /// Its symbols.
    pub symbols: SymbolTable<'d>,
    pub(super) source: Source<'d>,
    pub(super) vermagic: OnceCell<Option<Vec<u8>>>,
    pub(super) ftrace: OnceCell<Option<ftrace::Locations>>,
    pub(super) namespaces: OnceCell<Namespaces>,
    /// The objects that it was linked from, in order.
    pub(super) linked: Vec<&'d [u8]>,
    pub(super) sources: OnceCell<Option<Sources>>,
}

/// The source of an object's symbols.
#[derive(Debug)]
pub(super) enum Source<'d> {
    /// The file of the kernel image.
    Image(ElfFile<'d, &'d ReadCache<File>>),
    /// The file of a module.
    Module(ElfFile<'d>),
    /// The text of a running kernel.
    Text,
}

impl<'d> Object<'d> {
    /// Resolves a query as the kernel does while this object is live.
    ///
    /// # Errors
    ///
    /// Returns the reason if the kernel does not find exactly one symbol.
    pub fn resolve(
        &self,
        policy: Policy,
        query: &Query<'_>,
        sympos: Sympos,
    ) -> std::result::Result<Found, Reason> {
        self.resolve_in(&ObjectView::live(&self.symbols), policy, query, sympos)
    }

    /// Resolves a query as the kernel does while this object initializes.
    ///
    /// # Errors
    ///
    /// Returns the reason if the kernel does not find exactly one symbol.
    pub fn resolve_coming(
        &self,
        policy: Policy,
        query: &Query<'_>,
        sympos: Sympos,
    ) -> std::result::Result<Found, Reason> {
        self.resolve_in(&ObjectView::coming(&self.symbols), policy, query, sympos)
    }

    fn resolve_in(
        &self,
        view: &ObjectView<'_, '_>,
        policy: Policy,
        query: &Query<'_>,
        sympos: Sympos,
    ) -> std::result::Result<Found, Reason> {
        // The kernel walks through a module's table. The index gives the same answer, and is fast for a
        // file with many names.
        resolve_in_index(view, rule_of(policy, self.name), query, sympos)
    }

    /// Returns `Yes` if a livepatch can redirect the function at a place of the table.
    #[must_use]
    pub fn traceable(&self, seq: u32) -> Traceable {
        let locations = self.ftrace.get_or_init(|| match &self.source {
            Source::Image(elf) => ftrace::of_image(elf, &self.symbols),
            Source::Module(elf) => ftrace::of_module(elf),
            Source::Text => None,
        });
        match locations {
            Some(locations) => locations.traceable(&self.symbols, seq),
            None => Traceable::Unknown,
        }
    }

    /// Returns the symbol at a place of the table, as the file has it.
    #[must_use]
    pub fn file_symbol(&self, seq: u32) -> Option<Symbol<'d>> {
        let id = SymbolId(self.symbols.get(seq)?.index as usize);
        match &self.source {
            Source::Image(elf) => elf.get_symbol(id),
            Source::Module(elf) => elf.get_symbol(id),
            Source::Text => None,
        }
    }

    /// Returns the source files of the local symbols, if the file tells.
    #[must_use]
    pub fn sources(&self) -> Option<&Sources> {
        let read = || match &self.source {
            Source::Image(elf) => Some(Sources::of_image(elf, &self.linked)),
            Source::Module(elf) => Some(Sources::of_module(elf)),
            Source::Text => None,
        };
        self.sources.get_or_init(read).as_ref()
    }

    /// Returns the path of the source file of the symbol at a place of the table, if only symbols of this
    /// file are behind the file's `STT_FILE` symbol. In a module, the path is only the last component.
    #[must_use]
    pub fn source_file(&self, seq: u32) -> Option<&[u8]> {
        let symbol = self.file_symbol(seq)?;
        let file = self.sources()?.file_of(symbol.id)?;
        let known = file.is_alone() && symbol.is_static();
        known.then(|| file.path())
    }

    /// Returns true if the strings of the object's debug information contain `name`: the name of a
    /// function, a type, or anything else. Compressed strings are not searched.
    #[must_use]
    pub fn debug_names(&self, name: &[u8]) -> bool {
        match &self.source {
            Source::Image(elf) => has_string(elf, name),
            Source::Module(elf) => has_string(elf, name),
            Source::Text => false,
        }
    }

    /// Returns true for a kernel image without known source files, because its `vmlinux.a` is not given.
    #[must_use]
    pub fn lacks_link_order(&self) -> bool {
        matches!(self.source, Source::Image(_)) && self.linked.is_empty()
    }

    /// Visits the position and the place of each symbol that `query` matches.
    pub fn candidates(&self, policy: Policy, query: &Query<'_>, visit: &mut dyn FnMut(u64, u32)) {
        let mut visit = |candidate: klp_policy::Candidate<'_>| {
            visit(candidate.position, candidate.symbol.seq);
            ControlFlow::Continue(())
        };
        let policy = rule_of(policy, self.name);
        let live = ObjectView::live(&self.symbols);
        // If many symbols match, one pass costs less than many searches in the index.
        let first = self.resolve(policy, query, Sympos(u64::MAX));
        if first.is_err_and(|reason| reason.matches() <= 32) {
            list_in_index(&live, policy, query, &mut visit);
        } else {
            list_in_sequence(&live, policy, query, &mut visit);
        }
    }
}

/// Returns true if `.debug_str` has a string.
fn has_string<'d, R: ReadRef<'d>>(elf: &ElfFile<'d, R>, string: &[u8]) -> bool {
    let section = elf.section_by_name(b".debug_str");
    let section = section.filter(|section| !section.flags.contains(object::elf::SHF_COMPRESSED));
    let strings = section.and_then(|section| elf.section_data(&section).ok());
    let strings = strings.unwrap_or_default();
    let whole = [b"\0", string, b"\0"].concat();
    strings.starts_with(&whole[1..]) || memmem::find(strings, &whole).is_some()
}
