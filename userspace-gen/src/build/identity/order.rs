// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The files from which an object was linked, in the order of its symbol table.

use crate::build::{BuildRefusal, RefusalKind};
use crate::elf::{ElfFile, Symbol, SymbolId};
use object::elf;
use object::read::ReadRef;
use std::path::{Path, PathBuf};

/// The parts of a symbol table, one part for each file.
#[derive(Clone, Debug)]
pub struct MemberSymbols {
    members: Vec<PathBuf>,
    /// The index of each file's `STT_FILE` symbol, and the index behind its last symbol.
    parts: Vec<(usize, usize)>,
}

impl MemberSymbols {
    /// Finds the parts of `members`, the files with bitcode in link order.
    ///
    /// # Errors
    ///
    /// The symbol table does not have all files in this order, without gaps, exactly once.
    pub fn of<'d, R: ReadRef<'d>>(
        elf: &ElfFile<'d, R>,
        members: &[PathBuf],
    ) -> Result<Self, BuildRefusal> {
        let mut starts = Vec::new();
        let mut names = Vec::new();
        let mut locals_end = 1;
        for symbol in elf.symbols() {
            // Hidden symbols become local in the last link, and are behind the files.
            if symbol.is_static() || symbol.kind == elf::STT_FILE {
                locals_end = symbol.id.0 + 1;
            }
            if symbol.kind == elf::STT_FILE {
                starts.push(symbol.id.0);
                names.push(symbol.name);
            }
        }
        let is_of = |(name, member): (&&[u8], &PathBuf)| stem(name) == file_stem(member);
        let fits = |window: &&[&[u8]]| window.iter().zip(members).all(is_of);
        let width = members.len().max(1);
        let mut places = names
            .windows(width)
            .enumerate()
            .filter(|(_, window)| fits(window));
        let place = places.next().map(|(at, _)| at);
        let (Some(place), None) = (place, places.next()) else {
            return Err(BuildRefusal {
                kind: RefusalKind::OtherBuild,
                subject: elf.origin().to_owned(),
                reason: format!(
                    "expected the symbols of {} files in link order, found another order (the files of this \
                    directory are not of the same build: build the kernel again)",
                    members.len()
                ),
            });
        };
        let ends = starts.iter().skip(1).copied().chain([locals_end]);
        let all: Vec<_> = starts.iter().copied().zip(ends).collect();
        let parts = all.get(place..place + members.len()).unwrap_or_default();
        Ok(Self {
            members: members.to_vec(),
            parts: parts.to_vec(),
        })
    }

    /// Returns the number of a file.
    #[must_use]
    pub fn position(&self, member: &Path) -> Option<usize> {
        self.members.iter().position(|m| m == member)
    }

    /// Returns the local symbols of a file, by its number.
    pub fn symbols<'e, 'd, R: ReadRef<'d>>(
        &self,
        elf: &'e ElfFile<'d, R>,
        at: usize,
    ) -> impl Iterator<Item = Symbol<'d>> + 'e {
        let (start, end) = self.parts.get(at).copied().unwrap_or((0, 0));
        let symbols = (start + 1..end).filter_map(|index| elf.get_symbol(SymbolId(index)));
        symbols.filter(Symbol::is_static)
    }
}

/// Returns a file's name without its directory, and without the part from the last dot on.
fn stem(name: &[u8]) -> &[u8] {
    let name = name.rsplit(|&b| b == b'/').next().unwrap_or(name);
    let dot = name.iter().rposition(|&b| b == b'.');
    name.get(..dot.unwrap_or(name.len())).unwrap_or(name)
}

fn file_stem(path: &Path) -> &[u8] {
    path.file_stem().unwrap_or_default().as_encoded_bytes()
}
