// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Which functions ftrace, and so a livepatch, can redirect.

use crate::elf::number::read_u64;
use crate::elf::{ElfFile, Place, SectionId};
use crate::livepatch::rela_sections;
use crate::symbols::SymbolTable;
use object::read::ReadRef;
use std::collections::BTreeSet;
use std::ops::Range;

/// Whether a livepatch can redirect a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Traceable {
    /// It can.
    Yes,
    /// The compiler left no room at its start, or it is gone after boot, or is no function.
    No,
    /// kallsyms has no size for its address.
    NoSize,
    /// The files do not tell.
    Unknown,
}

/// Where the compiler left room for a call into ftrace.
#[derive(Debug)]
pub(super) enum Locations {
    /// In the kernel image.
    Image {
        /// The addresses, sorted.
        calls: Vec<u64>,
        /// `_stext` to `_end`, and the part that is freed after boot.
        kernel: Range<u64>,
        init: Range<u64>,
    },
    /// In a module.
    Module(BTreeSet<u32>),
}

/// The table between `__start_mcount_loc` and `__stop_mcount_loc`.
pub(super) fn of_image<'d, R: ReadRef<'d>>(
    elf: &ElfFile<'d, R>,
    symbols: &SymbolTable<'d>,
) -> Option<Locations> {
    let address = |name: &str| symbols.by_name(name.as_bytes()).map(|e| e.address);
    let start = address("__start_mcount_loc")?;
    let size = address("__stop_mcount_loc")?.checked_sub(start)?;
    let table = elf.bytes_at(start, size)?;
    let mut calls: Vec<u64> = table
        .chunks_exact(8)
        .filter_map(|bytes| read_u64(elf.endian(), bytes))
        .filter(|&address| address != 0)
        .collect();
    // An image that is relocated as a whole holds zeros here, and the addresses elsewhere.
    if calls.is_empty() {
        return None;
    }
    calls.sort_unstable();
    Some(Locations::Image {
        calls,
        kernel: address("_stext")?..address("_end")?,
        init: address("__init_begin")?..address("__init_end")?,
    })
}

/// The relocations of `__mcount_loc` (or `__patchable_function_entries`): the symbols they hit.
pub(super) fn of_module(elf: &ElfFile<'_>) -> Option<Locations> {
    let mut calls = BTreeSet::new();
    for rela in rela_sections(elf).ok()? {
        if !matches!(
            rela.target.name,
            b"__mcount_loc" | b"__patchable_function_entries"
        ) {
            continue;
        }
        for relocation in rela.relocations() {
            let symbol = elf.get_symbol(relocation.symbol)?;
            if let Place::Section(section) = symbol.place {
                calls.insert((section, symbol.value.wrapping_add_signed(relocation.addend)));
            }
        }
    }
    // Where each symbol begins, to know where the one before it ends.
    let starts: BTreeSet<(SectionId, u64)> = elf
        .symbols()
        .filter(|s| !s.name.is_empty())
        .filter_map(|s| Some((s.section()?, s.value)))
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
                calls
                    .get(call)
                    // ftrace_free_init_mem()
                    .is_some_and(|call| *call < end && !init.contains(call))
            }
        };
        if found {
            Traceable::Yes
        } else {
            Traceable::No
        }
    }
}
