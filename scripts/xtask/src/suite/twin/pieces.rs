// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The functions and variables of a relocatable file, each as a hash of what it does.
//!
//! A reference counts by the name of its target and the place in it, or by what is there if the target has no name
//! that stays: strings, and tables that the compiler makes.

use super::image::{Image, Section, Target};
use super::names::clean;
use anyhow::{ensure, Result};
use object::elf::{R_X86_64_64, R_X86_64_PC64, SHF_MERGE, SHF_STRINGS};
use object::{Object as _, ObjectSection as _, SectionIndex};
use std::collections::HashMap;

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

impl Image<'_> {
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
