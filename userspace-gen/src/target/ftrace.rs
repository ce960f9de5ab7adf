// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Finds the functions that ftrace, and so a livepatch, can redirect.

mod entries;

use crate::elf::number::read_u64;
use crate::elf::{ElfFile, Place, Section, SectionId};
use crate::livepatch::rela_sections;
use crate::symbols::SymbolTable;
use entries::Entries;
use object::read::ReadRef;
use std::collections::BTreeSet;
use std::ops::Range;

/// The answer to the question if a livepatch can redirect a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Traceable {
    /// The livepatch can redirect the function.
    Yes,
    /// The compiler left no room at the beginning, the kernel frees the function after boot, or the symbol
    /// is no function.
    No,
    /// kallsyms has no size for the address.
    NoSize,
    /// The files do not tell.
    Unknown,
}

/// The places at which the compiler left room for a call into ftrace.
#[derive(Debug)]
pub(super) enum Locations {
    /// In the kernel image.
    Image {
        /// The addresses, sorted, of entries that ftrace keeps.
        calls: Vec<u64>,
        /// `_stext` to `_end`, and the part that the kernel frees after boot.
        kernel: Range<u64>,
        init: Range<u64>,
    },
    /// In a module.
    Module(BTreeSet<u32>),
}

/// Reads the table between `__start_mcount_loc` and `__stop_mcount_loc`: `ftrace_process_locs()`.
pub(super) fn of_image<'d, R: ReadRef<'d>>(
    elf: &ElfFile<'d, R>,
    symbols: &SymbolTable<'d>,
) -> Option<Locations> {
    let rules = entries::of(elf)?;
    let address = |name: &str| symbols.by_name(name.as_bytes()).map(|e| e.address);
    let start = address("__start_mcount_loc")?;
    let size = address("__stop_mcount_loc")?.checked_sub(start)?;
    let table = elf.bytes_at(start, size)?;
    let text = address("_stext")?..address("_etext")?;
    let init = address("__init_begin")?..address("__init_end")?;
    let exit_text = address("__exittext_begin").zip(address("__exittext_end"));
    let exit_text = exit_text.filter(|_| rules.skips_exit_text);
    let table = table
        .chunks_exact(8)
        .filter_map(|bytes| read_u64(elf.endian(), bytes))
        .filter(|&entry| entry != 0);
    let table: Vec<u64> = table.collect();
    // An image that is relocated as a whole has zeros here, and the addresses in relocations.
    if table.is_empty() {
        return None;
    }
    let is_start = |address| {
        let listed = symbols.entries();
        listed.binary_search_by_key(&address, |e| e.address).is_ok()
    };
    let begins = |entry: u64, behind| is_start(entry.wrapping_add_signed(behind));
    let distance = rules.distance(table.iter().copied(), begins)?;
    // The kernel removes the entries of freed code (ftrace_free_init_mem()).
    let is_kept = |entry: &u64| {
        let exits = exit_text.is_some_and(|(start, end)| (start..end).contains(entry));
        text.contains(entry) && !init.contains(entry) && !exits
    };
    let kept = table.into_iter().filter(is_kept);
    let mut calls: Vec<u64> = kept.map(|entry| entry.wrapping_add(distance)).collect();
    calls.sort_unstable();
    Some(Locations::Image {
        calls,
        kernel: text.start..address("_end")?,
        init,
    })
}

/// Reads the relocations of the loader's table, and returns the symbols to which they point.
pub(super) fn of_module(elf: &ElfFile<'_>) -> Option<Locations> {
    let rules = entries::of(elf)?;
    let calls = module_table(elf, &rules)?;
    // The beginning of each symbol, which is the end of the symbol before.
    let starts: BTreeSet<(SectionId, u64)> = elf
        .symbols()
        .filter(|s| !s.name.is_empty() && !is_mapping_symbol(s.name))
        .filter_map(|s| Some((s.section()?, s.value)))
        .collect();
    let begins = |(section, value): (SectionId, u64), behind| {
        starts.contains(&(section, value.wrapping_add_signed(behind)))
    };
    let distance = rules.distance(calls.iter().copied(), begins)?;
    let calls = calls.into_iter();
    let calls: BTreeSet<_> = calls
        .map(|(section, value)| (section, value.wrapping_add(distance)))
        .collect();
    let traceable = elf.symbols().filter(|symbol| {
        let Some(section) = symbol.section() else {
            return false;
        };
        let start = (section, symbol.value);
        let next = starts
            .range((section, symbol.value.saturating_add(1))..)
            .next();
        let call = calls.range(start..).next();
        call.is_some_and(|call| call.0 == section && next.is_none_or(|next| call < next))
    });
    let indexes = traceable.filter_map(|s| u32::try_from(s.id.0).ok());
    Some(Locations::Module(indexes.collect()))
}

/// Returns the entries of a module's table, if its contents are in the file.
///
/// A module without a table has no functions that can be traced. No kernel makes a module with several
/// tables.
fn module_table(elf: &ElfFile<'_>, rules: &Entries) -> Option<BTreeSet<(SectionId, u64)>> {
    let is_table = |s: &Section<'_>| rules.sections.contains(&s.name) && s.size > 0;
    let mut names: Vec<_> = elf.sections().filter(is_table).map(|s| s.name).collect();
    names.sort_unstable();
    names.dedup();
    if names.len() > 1 {
        return None;
    }
    let rela = rela_sections(elf).ok()?;
    let mut entries = BTreeSet::new();
    for table in elf.sections().filter(is_table) {
        // A debug package may lack the relocations, and the table consists of relocations only.
        let of_table: Vec<_> = rela.iter().filter(|r| r.target.id == table.id).collect();
        if of_table.is_empty() {
            return None;
        }
        for relocation in of_table.iter().flat_map(|rela| rela.relocations()) {
            let symbol = elf.get_symbol(relocation.symbol)?;
            if let Place::Section(section) = symbol.place {
                entries.insert((section, symbol.value.wrapping_add_signed(relocation.addend)));
            }
        }
    }
    Some(entries)
}

/// `is_mapping_symbol()` in `include/linux/module_symbol.h`: no function ends at such a symbol.
fn is_mapping_symbol(name: &[u8]) -> bool {
    [&b"$"[..], b".L", b"L0"]
        .iter()
        .any(|p| name.starts_with(p))
}

impl Locations {
    /// `kallsyms_lookup_size_offset()`, then `ftrace_location()`.
    pub(super) fn traceable(&self, symbols: &SymbolTable<'_>, seq: u32) -> Traceable {
        let Some(entry) = symbols.get(seq) else {
            return Traceable::Unknown;
        };
        let found = match self {
            Self::Module(indexes) => indexes.contains(&entry.index),
            Self::Image {
                calls,
                kernel,
                init,
            } => {
                let start = entry.address;
                if !kernel.contains(&start) && !init.contains(&start) {
                    return Traceable::NoSize;
                }
                let entries = symbols.entries();
                let next = entries.partition_point(|e| e.address <= start);
                let end = entries.get(next).map_or(kernel.end, |e| e.address);
                let call = calls.partition_point(|&c| c < start);
                calls.get(call).is_some_and(|call| *call < end)
            }
        };
        if found {
            Traceable::Yes
        } else {
            Traceable::No
        }
    }
}
