// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The functions and variables of a relocatable file, each as a hash of what it does.
//!
//! A reference counts by the name of its target and the place in it, or by what is there if the target has no name
//! that stays: strings, and tables that the compiler makes.

use super::names::clean;
use anyhow::{ensure, Context, Result};
use object::elf::{
    RelocationType, SectionFlags as Flags, R_X86_64_64, R_X86_64_PC32, R_X86_64_PC64,
    R_X86_64_PLT32, SHF_EXECINSTR, SHF_MERGE, SHF_STRINGS,
};
use object::read::elf::ElfFile64;
use object::{
    LittleEndian, Object as _, ObjectSection as _, ObjectSymbol as _, RelocationFlags,
    RelocationTarget, SectionFlags, SectionIndex, SectionKind, SymbolKind,
};
use std::collections::{BTreeMap, HashMap};

/// The depth to which the contents of targets without a name are followed.
const DEPTH: usize = 3;

/// The most bytes that are compared of a place that belongs to nothing.
const LOOSE: u64 = 16;

/// The tables with entries that belong to the function into which their first reference points: the name, the size of
/// an entry in bytes, and the bytes that have the number of a line.
const TABLES: [(&str, u64, (u64, u64)); 6] = [
    ("__bug_table", 12, (8, 10)),
    (".altinstructions", 14, (0, 0)),
    ("__ex_table", 12, (0, 0)),
    ("__jump_table", 16, (0, 0)),
    (".smp_locks", 4, (0, 0)),
    (".kcfi_traps", 4, (0, 0)),
];

/// The place of the length of the replacement in an entry of `.altinstructions`.
const ALTERNATIVE_LENGTH: u64 = 13;

/// The beginnings of the names of sections that a running kernel does not have.
const NOT_LOADED: [&str; 8] = [
    ".discard",
    ".modinfo",
    ".printk_index",
    ".export_symbol",
    ".note",
    ".llvm",
    ".comment",
    "__patchable_function_entries",
];

/// The names, or parts of names, of variables that the compiler makes.
const MADE_BY_COMPILER: [&str; 5] = ["switch.table", "__const.", "reltable.", ".str", "__func__"];

/// A function or variable.
#[derive(Clone, Debug)]
pub struct Piece {
    /// All of its names, cleaned and sorted.
    pub names: Vec<String>,
    /// True for a function.
    pub is_function: bool,
    /// The hash of its contents.
    pub hash: blake3::Hash,
}

struct Extent {
    section: SectionIndex,
    start: u64,
    end: u64,
    names: Vec<String>,
    is_function: bool,
}

#[derive(Clone, Copy)]
struct Relocation {
    offset: u64,
    kind: RelocationType,
    target: RelocationTarget,
    addend: i64,
}

struct Section<'d> {
    name: &'d str,
    data: &'d [u8],
    size: u64,
    flags: Flags,
    entry_size: u64,
    relocations: Vec<Relocation>,
    /// The functions and variables of the section, by their places.
    places: Vec<usize>,
}

struct Image<'d> {
    file: ElfFile64<'d, LittleEndian>,
    sections: HashMap<SectionIndex, Section<'d>>,
    places: Vec<Extent>,
}

/// Reads a relocatable file.
///
/// # Errors
///
/// Fails if the file is malformed, or a table does not consist of entries of the known size.
pub fn read(data: &[u8]) -> Result<Vec<Piece>> {
    let image = Image::new(data)?;
    let entries = image.entries()?;
    let pieces = image.places.iter().enumerate().map(|(number, place)| {
        let mut hasher = blake3::Hasher::new();
        image.add_bytes(&mut hasher, place.section, (place.start, place.end), DEPTH);
        for (table, start) in entries.get(&number).into_iter().flatten() {
            image.add_entry(&mut hasher, *table, *start);
        }
        Piece {
            names: place.names.clone(),
            is_function: place.is_function,
            hash: hasher.finalize(),
        }
    });
    Ok(pieces.collect())
}

impl<'d> Image<'d> {
    fn new(data: &'d [u8]) -> Result<Self> {
        let file = ElfFile64::parse(data)?;
        let mut sections = HashMap::new();
        for section in file.sections() {
            let relocations = section.relocations().filter_map(|(offset, relocation)| {
                let RelocationFlags::Elf { r_type } = relocation.flags() else {
                    return None;
                };
                Some(Relocation {
                    offset,
                    kind: r_type,
                    target: relocation.target(),
                    addend: relocation.addend(),
                })
            });
            let mut relocations: Vec<_> = relocations.collect();
            relocations.sort_by_key(|relocation| relocation.offset);
            let SectionFlags::Elf { sh_flags, .. } = section.flags() else {
                continue;
            };
            let header = section.elf_section_header();
            let read = Section {
                name: section.name()?,
                data: if section.kind() == SectionKind::UninitializedData {
                    &[]
                } else {
                    section.data()?
                },
                size: section.size(),
                flags: sh_flags,
                entry_size: header.sh_entsize.get(LittleEndian),
                relocations,
                places: Vec::new(),
            };
            sections.insert(section.index(), read);
        }
        let mut image = Self {
            file,
            sections,
            places: Vec::new(),
        };
        image.find_places()?;
        Ok(image)
    }

    /// Finds the functions and variables by their symbols.
    fn find_places(&mut self) -> Result<()> {
        let mut found: BTreeMap<(usize, u64, bool), (u64, Vec<String>)> = BTreeMap::new();
        for symbol in self.file.symbols() {
            let is_function = match symbol.kind() {
                SymbolKind::Text => true,
                SymbolKind::Data | SymbolKind::Tls => false,
                _ => continue,
            };
            let (Some(section), name) = (symbol.section_index(), symbol.name()?) else {
                continue;
            };
            let Some(read) = self.sections.get(&section) else {
                continue;
            };
            if name.is_empty()
                || NOT_LOADED
                    .iter()
                    .any(|prefix| read.name.starts_with(prefix))
            {
                continue;
            }
            let place = (section.0, symbol.address(), is_function);
            let (size, names) = found.entry(place).or_default();
            *size = symbol.size().max(*size);
            names.push(clean(name));
        }
        for ((section, start, is_function), (size, mut names)) in found {
            names.sort();
            names.dedup();
            let section = SectionIndex(section);
            let number = self.places.len();
            self.places.push(Extent {
                section,
                start,
                end: start + size,
                names,
                is_function,
            });
            let read = self.sections.get_mut(&section).context("no such section")?;
            read.places.push(number);
        }
        Ok(())
    }

    /// Returns the function or variable at a place.
    fn place_at(&self, section: SectionIndex, offset: u64) -> Option<usize> {
        let places = &self.sections.get(&section)?.places;
        let behind = places.partition_point(|&place| self.places[place].start <= offset);
        let place = *places.get(behind.checked_sub(1)?)?;
        let found = &self.places[place];
        (offset < found.end || offset == found.start).then_some(place)
    }

    /// Returns the section and the offset in it to which a relocation refers.
    fn target(&self, from: &Section<'_>, relocation: &Relocation) -> Target<'_> {
        let behind = match relocation.kind {
            R_X86_64_PC32 | R_X86_64_PLT32 if from.flags.contains(SHF_EXECINSTR) => {
                4 + bytes_of_immediate(from.data, relocation.offset)
            }
            _ => 0,
        };
        let addend = relocation.addend + behind;
        let (section, value, name) = match relocation.target {
            RelocationTarget::Symbol(index) => match self.file.symbol_by_index(index) {
                Ok(symbol) => (
                    symbol.section_index(),
                    symbol.address(),
                    symbol.name().unwrap_or_default(),
                ),
                Err(_) => (None, 0, ""),
            },
            RelocationTarget::Section(index) => (Some(index), 0, ""),
            _ => (None, 0, ""),
        };
        let place = value.checked_add_signed(addend);
        let Some(section) = section else {
            return Target::Name(name, addend);
        };
        // A symbol says which function or variable is meant, wherever beside it the reference points.
        let named = if name.is_empty() { place } else { Some(value) };
        match (named.and_then(|at| self.place_at(section, at)), place) {
            (Some(number), _) => {
                let start = self.places[number].start;
                Target::Piece(
                    number,
                    value
                        .wrapping_add_signed(addend)
                        .wrapping_sub(start)
                        .cast_signed(),
                )
            }
            (None, Some(place)) => Target::Loose(section, place),
            (None, None) => {
                Target::Name(self.sections.get(&section).map_or("", |s| s.name), addend)
            }
        }
    }

    /// Adds the bytes and the references of a part of a section.
    fn add_bytes(
        &self,
        hasher: &mut blake3::Hasher,
        section: SectionIndex,
        (start, end): (u64, u64),
        depth: usize,
    ) {
        let Some(section) = self.sections.get(&section) else {
            return;
        };
        hasher.update(&(end - start).to_le_bytes());
        let part = |end: u64| usize::try_from(end).unwrap_or(usize::MAX);
        let bytes = section.data.get(part(start)..part(end)).unwrap_or_default();
        let mut bytes = bytes.to_vec();
        let first = section.relocations.partition_point(|r| r.offset < start);
        let some = section.relocations[first..].iter();
        for relocation in some.take_while(|r| r.offset < end) {
            let at = part(relocation.offset - start);
            let size = match relocation.kind {
                R_X86_64_64 | R_X86_64_PC64 => 8,
                _ => 4,
            };
            for byte in bytes.iter_mut().skip(at).take(size) {
                *byte = 0;
            }
            hasher.update(&(relocation.offset - start).to_le_bytes());
            hasher.update(&relocation.kind.0.to_le_bytes());
            self.add_target(hasher, self.target(section, relocation), depth);
        }
        hasher.update(&bytes);
    }

    fn add_target(&self, hasher: &mut blake3::Hasher, target: Target<'_>, depth: usize) {
        let (section, offset) = match target {
            Target::Name(name, offset) => {
                add_text(hasher, &clean(name));
                hasher.update(&offset.to_le_bytes());
                return;
            }
            Target::Piece(number, offset) => {
                self.add_piece(hasher, number, offset, depth);
                return;
            }
            Target::Loose(section, offset) => (section, offset),
        };
        let Some(read) = self.sections.get(&section) else {
            return;
        };
        if read.flags.contains(SHF_MERGE) {
            self.add_constant(hasher, section, offset);
            return;
        }
        add_text(hasher, &clean(read.name));
        if read.name == ".altinstr_aux" {
            return;
        }
        if read.places.is_empty() && depth > 0 {
            hasher.update(&offset.to_le_bytes());
            self.add_bytes(hasher, section, (0, read.size), depth - 1);
        } else {
            let end = read.size.min(offset + LOOSE).max(offset);
            self.add_bytes(hasher, section, (offset, end), 0);
        }
    }

    /// Adds a reference to a function or variable.
    fn add_piece(&self, hasher: &mut blake3::Hasher, number: usize, offset: i64, depth: usize) {
        let place = &self.places[number];
        let constant = self
            .sections
            .get(&place.section)
            .filter(|s| s.flags.contains(SHF_MERGE));
        if let (Some(_), Some(at)) = (constant, place.start.checked_add_signed(offset)) {
            self.add_constant(hasher, place.section, at);
            return;
        }
        let name = &place.names[0];
        hasher.update(&offset.to_le_bytes());
        if depth > 0 && MADE_BY_COMPILER.iter().any(|made| name.contains(made)) {
            self.add_bytes(hasher, place.section, (place.start, place.end), depth - 1);
        } else {
            add_text(hasher, name);
        }
    }

    /// Adds a reference to a string or another constant.
    fn add_constant(&self, hasher: &mut blake3::Hasher, section: SectionIndex, at: u64) {
        let size = self
            .sections
            .get(&section)
            .map_or(0, |read| constant_size(read, at));
        add_text(hasher, "constant");
        self.add_bytes(hasher, section, (at, at + size), 0);
    }

    /// Returns the entries of tables that belong to each function: the sections and the places in them.
    fn entries(&self) -> Result<HashMap<usize, Vec<(SectionIndex, u64)>>> {
        let mut all: HashMap<usize, Vec<_>> = HashMap::new();
        for (table, size, _) in TABLES {
            let sections = self.file.sections().map(|section| section.index());
            for index in
                sections.filter(|index| self.sections.get(index).is_some_and(|s| s.name == table))
            {
                let section = &self.sections[&index];
                ensure!(
                    section.size.is_multiple_of(size),
                    "{table}: expected entries of {size} bytes, found {} bytes",
                    section.size
                );
                for entry in 0..section.size / size {
                    let start = entry * size;
                    let first = section.relocations.partition_point(|r| r.offset < start);
                    let first = section.relocations.get(first);
                    let first = first.filter(|r| r.offset < start + size);
                    let owner = first.and_then(|first| match self.target(section, first) {
                        Target::Piece(number, _) => Some(number),
                        _ => None,
                    });
                    if let Some(owner) = owner {
                        all.entry(owner).or_default().push((index, start));
                    }
                }
            }
        }
        Ok(all)
    }

    /// Adds an entry of a table.
    fn add_entry(&self, hasher: &mut blake3::Hasher, table: SectionIndex, start: u64) {
        let section = &self.sections[&table];
        add_text(hasher, section.name);
        let known = TABLES.iter().find(|(name, _, _)| *name == section.name);
        let &(_, size, (line, behind)) = known.unwrap_or(&("", 0, (0, 0)));
        let byte = |at: u64| {
            usize::try_from(at)
                .ok()
                .and_then(|at| section.data.get(at))
                .copied()
        };
        for at in 0..size {
            let has_reference = section
                .relocations
                .iter()
                .skip(
                    section
                        .relocations
                        .partition_point(|r| r.offset + 4 <= start + at),
                )
                .take(1)
                .any(|r| r.offset <= start + at);
            if !has_reference && !(line..behind).contains(&at) {
                hasher.update(&[byte(start + at).unwrap_or_default()]);
            }
        }
        let first = section.relocations.partition_point(|r| r.offset < start);
        let some = section.relocations[first..].iter();
        for relocation in some.take_while(|r| r.offset < start + size) {
            hasher.update(&(relocation.offset - start).to_le_bytes());
            let target = self.target(section, relocation);
            match target {
                Target::Loose(index, offset)
                    if self.sections[&index].name == ".altinstr_replacement" =>
                {
                    let length = byte(start + ALTERNATIVE_LENGTH).unwrap_or_default();
                    let end = offset + u64::from(length);
                    self.add_bytes(hasher, index, (offset, end), 0);
                }
                _ => self.add_target(hasher, target, 1),
            }
        }
    }
}

/// The place to which a reference refers.
#[derive(Clone, Copy)]
enum Target<'d> {
    /// A function or variable, and the distance from its first byte.
    Piece(usize, i64),
    /// A place in a section that belongs to none of these.
    Loose(SectionIndex, u64),
    /// A symbol that is not in the file, or a number.
    Name(&'d str, i64),
}

fn add_text(hasher: &mut blake3::Hasher, text: &str) {
    hasher.update(&(text.len() as u64).to_le_bytes());
    hasher.update(text.as_bytes());
}

/// Returns the size of the string or constant at a place of a section that has these.
fn constant_size(section: &Section<'_>, offset: u64) -> u64 {
    let size = section.entry_size.max(1);
    if !section.flags.contains(SHF_STRINGS) {
        return size;
    }
    let start = usize::try_from(offset).unwrap_or(usize::MAX);
    let rest = section.data.get(start..).unwrap_or_default();
    let size = usize::try_from(size).unwrap_or(1);
    let mut characters = rest.chunks(size);
    let length = characters.position(|character| character.iter().all(|&byte| byte == 0));
    (length.unwrap_or_default() * size) as u64
}

/// Returns the number of bytes of the instruction that follow its reference relative to the next instruction.
fn bytes_of_immediate(code: &[u8], reference: u64) -> i64 {
    let at = usize::try_from(reference).unwrap_or(usize::MAX);
    let byte = |back: usize| at.checked_sub(back).and_then(|at| code.get(at)).copied();
    let (Some(operands), Some(operation)) = (byte(1), byte(2)) else {
        return 0;
    };
    // Memory relative to the instruction pointer, and the register or the operation beside it.
    if operands & 0xc7 != 0x05 {
        return 0;
    }
    let register = operands >> 3 & 7;
    let is_short =
        byte(3) == Some(0x66) || byte(3).is_some_and(|b| b & 0xf0 == 0x40) && byte(4) == Some(0x66);
    let word = if is_short { 2 } else { 4 };
    match operation {
        0xba if byte(3) == Some(0x0f) => 1,
        // Two bytes: 0f 80 and others have no immediate in memory form.
        _ if byte(3) == Some(0x0f) => 0,
        0x80 | 0x83 | 0xc0 | 0xc1 | 0xc6 | 0x6b => 1,
        0xf6 if register < 2 => 1,
        0x81 | 0xc7 | 0x69 => word,
        0xf7 if register < 2 => word,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_immediate_is_behind_the_reference() {
        for (code, at, expected) in [
            // cmpb $0, x(%rip); movl $1, x(%rip); movw $1, x(%rip); mov x(%rip), %rax; call x
            (&[0x80, 0x3d, 0, 0, 0, 0, 0][..], 2, 1),
            (&[0xc7, 0x05, 0, 0, 0, 0, 1, 0, 0, 0], 2, 4),
            (&[0x66, 0xc7, 0x05, 0, 0, 0, 0, 1, 0], 3, 2),
            (&[0x48, 0x8b, 0x05, 0, 0, 0, 0], 3, 0),
            (&[0xe8, 0, 0, 0, 0], 1, 0),
            (&[0xf6, 0x05, 0, 0, 0, 0, 1], 2, 1),
            (&[0xf6, 0x15, 0, 0, 0, 0], 2, 0),
            (&[0x0f, 0xba, 0x25, 0, 0, 0, 0, 3], 3, 1),
        ] {
            assert_eq!(bytes_of_immediate(code, at), expected, "{code:x?}");
        }
    }
}
