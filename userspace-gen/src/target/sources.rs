// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The source file of a local symbol.
//!
//! A linker puts the local symbols of an object behind the object's `STT_FILE` symbol. The `STT_FILE`
//! symbol alone is not enough:
//!
//! - clang only writes the last component of the path (`emitFileDirective()` in LLVM's AsmPrinter.cpp), and a kernel has
//!   a dozen `core.c`. The link order has the directories.
//! - Assembler files have no `STT_FILE` symbol: their symbols follow those of the object before.
//! - Hidden symbols become local in vmlinux, and lld puts them behind the last file. Promoted symbols are hidden, and
//!   with LTO all symbols that are not exported.
//!
//! So a symbol of vmlinux belongs to a file only under two conditions. The link order allows exactly one
//! object for the `STT_FILE` symbol. The next `STT_FILE` symbol is that of the object that was linked next.

use crate::elf::{ElfFile, SymbolId};
use object::elf;
use object::read::ReadRef;

/// A source file from which an object was compiled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// The index of its `STT_FILE` symbol.
    symbol: usize,
    /// Its path from the top of the kernel tree, or only its last component.
    path: Vec<u8>,
    /// The part of the path that is known.
    known: Known,
    /// True if all local symbols up to the next file are from this file.
    is_alone: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Known {
    /// Nothing: any file of that name is possible.
    Nothing,
    /// The name. That is enough in a module, which has few files.
    Name,
    /// The whole path.
    Path,
}

impl SourceFile {
    /// Returns the path from the top of the kernel tree; in a module, its last component.
    #[must_use]
    pub fn path(&self) -> &[u8] {
        &self.path
    }

    /// Returns true if all local symbols up to the next file are from this file.
    #[must_use]
    pub fn is_alone(&self) -> bool {
        self.is_alone
    }
}

/// The source files of an object, in the order of its symbol table.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    files: Vec<SourceFile>,
}

impl Sources {
    /// Reads the source files of a module.
    pub(super) fn of_module<'d, R: ReadRef<'d>>(elf: &ElfFile<'d, R>) -> Self {
        let mut files = file_symbols(elf);
        for file in &mut files {
            (file.known, file.is_alone) = (Known::Name, true);
        }
        Self { files }
    }

    /// Reads the source files of vmlinux. The directories are those of `linked`, the objects in link order.
    pub(super) fn of_image<'d, R: ReadRef<'d>>(elf: &ElfFile<'d, R>, linked: &[&[u8]]) -> Self {
        let mut files = file_symbols(elf);
        let names: Vec<_> = files.iter().map(SourceFile::path).collect();
        let places = align(&names, linked);
        for (at, file) in files.iter_mut().enumerate() {
            let Some(place) = places[at] else {
                continue;
            };
            let object = linked[place];
            let end = object.iter().rposition(|&b| b == b'/');
            let directory = &object[..end.map_or(0, |slash| slash + 1)];
            file.path.splice(..0, directory.iter().copied());
            file.known = Known::Path;
            file.is_alone = places.get(at + 1) == Some(&Some(place + 1));
        }
        Self { files }
    }

    /// Returns true if the object names no source file.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Returns the files with a known name or path.
    pub fn known(&self) -> impl Iterator<Item = &SourceFile> {
        self.files.iter().filter(|f| f.known != Known::Nothing)
    }

    /// Returns the files with the path `path`, or else the files with a path that ends with the components
    /// of `path`.
    #[must_use]
    pub fn matching(&self, path: &[u8]) -> Vec<&SourceFile> {
        let path = path.strip_prefix(b"./").unwrap_or(path);
        let exact: Vec<_> = self.known().filter(|f| f.path == path).collect();
        if !exact.is_empty() {
            return exact;
        }
        let ending = [b"/", path].concat();
        let name = last_component(path);
        self.known()
            .filter(|f| match f.known {
                Known::Path => f.path.ends_with(&ending),
                Known::Name => f.path == name,
                Known::Nothing => false,
            })
            .collect()
    }

    /// Returns the last file before a symbol. The answer is only meaningful for local symbols.
    #[must_use]
    pub fn file_of(&self, symbol: SymbolId) -> Option<&SourceFile> {
        let next = self.files.partition_point(|f| f.symbol < symbol.0);
        self.files.get(next.checked_sub(1)?)
    }
}

fn file_symbols<'d, R: ReadRef<'d>>(elf: &ElfFile<'d, R>) -> Vec<SourceFile> {
    elf.symbols()
        .filter(|s| s.kind == elf::STT_FILE)
        .map(|s| SourceFile {
            symbol: s.id.0,
            path: last_component(s.name).to_vec(),
            known: Known::Nothing,
            is_alone: false,
        })
        .collect()
}

fn last_component(path: &[u8]) -> &[u8] {
    path.rsplit(|&b| b == b'/').next().unwrap_or(path)
}

/// Returns the object of each file, if exactly one is possible.
///
/// In a `ThinLTO` link, objects that are no bitcode come first, and some files belong to no object. So the
/// longest end of `files` that fits into `objects` is used, and all files before are unknown.
fn align(files: &[&[u8]], objects: &[&[u8]]) -> Vec<Option<usize>> {
    let mut last = vec![None; files.len()];
    let mut end = objects.len();
    let mut begin = files.len();
    for (at, file) in files.iter().enumerate().rev() {
        if let Some(place) = objects[..end].iter().rposition(|o| is_of(file, o)) {
            last[at] = Some(place);
            (end, begin) = (place, at);
        } else if objects.iter().any(|o| is_of(file, o)) {
            break;
        }
    }
    let mut next = 0;
    for at in begin..files.len() {
        let Some(place) = last[at] else {
            continue;
        };
        let first = objects[next..]
            .iter()
            .position(|o| is_of(files[at], o))
            .map(|found| next + found);
        next = first.map_or(next, |first| first + 1);
        if first != Some(place) {
            last[at] = None;
        }
    }
    last
}

/// Returns true if kbuild may have compiled an object from a C file of a name: `dir/name.o` from `name.c`.
fn is_of(file: &[u8], object: &[u8]) -> bool {
    let (Some(file), Some(object)) = (file.strip_suffix(b".c"), object.strip_suffix(b".o")) else {
        return false;
    };
    object
        .strip_suffix(file)
        .is_some_and(|directory| directory.is_empty() || directory.ends_with(b"/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn aligned(files: &str, objects: &str) -> Vec<Option<usize>> {
        let files: Vec<_> = files.split(' ').map(str::as_bytes).collect();
        let objects: Vec<_> = objects.split(' ').map(str::as_bytes).collect();
        align(&files, &objects)
    }

    #[test]
    fn files_of_one_name_are_told_apart_by_the_link_order() {
        assert_eq!(
            aligned("a.c core.c b.c core.c", "x/a.o x/core.o y/b.o y/core.o"),
            [Some(0), Some(1), Some(2), Some(3)]
        );
    }

    #[test]
    fn files_that_fit_in_two_places_are_unknown() {
        // One of the two is assembler.
        assert_eq!(
            aligned("a.c core.c b.c", "x/a.o x/core.o y/core.o y/b.o"),
            [Some(0), None, Some(3)]
        );
    }

    #[test]
    fn files_that_the_link_moved_to_the_front_are_unknown() {
        assert_eq!(
            aligned("z.c r.12-cgu.0 a.c b.c made.c", "a.o s.o b.o z.o"),
            [None, None, Some(0), Some(2), None]
        );
    }
}
