// SPDX-License-Identifier: GPL-2.0 OR MIT

//! A relocatable file: its sections, its functions and variables, and the targets of its relocations.

use super::names::clean;
use anyhow::{Context, Result};
use object::elf::{
    RelocationType, SectionFlags as Flags, R_X86_64_PC32, R_X86_64_PLT32, SHF_EXECINSTR,
};
use object::read::elf::ElfFile64;
use object::{
    LittleEndian, Object as _, ObjectSection as _, ObjectSymbol as _, RelocationFlags,
    RelocationTarget, SectionFlags, SectionIndex, SectionKind, SymbolKind,
};
use std::collections::{BTreeMap, HashMap};

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

/// A place with symbols.
pub struct Extent {
    pub section: SectionIndex,
    pub start: u64,
    pub end: u64,
    pub names: Vec<String>,
    pub is_function: bool,
}

/// A relocation.
#[derive(Clone, Copy)]
pub struct Relocation {
    pub offset: u64,
    pub kind: RelocationType,
    pub target: RelocationTarget,
    pub addend: i64,
}

/// A section.
pub struct Section<'d> {
    pub name: &'d str,
    pub data: &'d [u8],
    pub size: u64,
    pub flags: Flags,
    pub entry_size: u64,
    pub relocations: Vec<Relocation>,
    /// The functions and variables of the section, by their places.
    pub places: Vec<usize>,
}

/// A relocatable file.
pub struct Image<'d> {
    pub file: ElfFile64<'d, LittleEndian>,
    pub sections: HashMap<SectionIndex, Section<'d>>,
    pub places: Vec<Extent>,
}

impl<'d> Image<'d> {
    /// Reads a relocatable file.
    ///
    /// # Errors
    ///
    /// Fails if the file is malformed.
    pub fn new(data: &'d [u8]) -> Result<Self> {
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

    /// Returns the target of a relocation.
    pub fn target(&self, from: &Section<'_>, relocation: &Relocation) -> Target<'_> {
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
}

/// The place to which a reference refers.
#[derive(Clone, Copy)]
pub enum Target<'d> {
    /// A function or variable, and the distance from its first byte.
    Piece(usize, i64),
    /// A place in a section that belongs to none of these.
    Loose(SectionIndex, u64),
    /// A symbol that is not in the file, or a number.
    Name(&'d str, i64),
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
