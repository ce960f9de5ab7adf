// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The table that scripts/link-vmlinux.sh puts into a kernel, made from the symbol table of vmlinux.

use super::{embedded, filter, nm, order};
use crate::elf::{ElfFile, Symbol, SymbolId};
use crate::error::Result;
use crate::release::Release;
use crate::symbols::{Entry, SymbolTable};
use klp_policy::{Policy, SymbolName};
use object::read::ReadRef;
use std::ops::RangeInclusive;

/// The symbol of the version magic: `vermagic` in kernel/module/main.c.
const VERMAGIC: &[u8] = b"vermagic";

/// Returns the version magic of a kernel image, if the file has its contents.
pub(crate) fn vermagic<'d, R: ReadRef<'d>>(elf: &ElfFile<'d, R>) -> Option<&'d [u8]> {
    // The symbol is static, and may have a suffix.
    let is_it = |name: &[u8]| name.starts_with(VERMAGIC) && Policy::Llvm.clean(name) == *VERMAGIC;
    let mut found = elf.symbols().filter(|symbol| is_it(symbol.name));
    found.find_map(|symbol| elf.string_at(symbol.value))
}

/// Reads the symbols that `/proc/kallsyms` of that kernel lists, in its order.
///
/// # Errors
///
/// The file has no symbol table.
pub fn read<'d, R: ReadRef<'d>>(elf: &ElfFile<'d, R>) -> Result<SymbolTable<'d>> {
    if elf.symbols().next().is_none() {
        elf.expect_symtab_contents()?;
        return Err(elf.malformed(
            "expected a symbol table, found none: the file is stripped (give the vmlinux of the build, or \
            of the distribution's debug package; for a running kernel, use --kallsyms)",
        ));
    }
    let release = Release::of_vermagic(vermagic(elf));
    let sections = elf.loaded_sections();
    let mut listed = Vec::with_capacity(elf.symbol_count());
    let mut ranges = Ranges::default();
    for (index, symbol) in (1..).zip(elf.symbols()) {
        if !nm::lists(&symbol) {
            continue;
        }
        let section = symbol.section().and_then(|id| sections.get(id.0));
        let letter = nm::letter(&symbol, section.and_then(Option::as_ref));
        if filter::lists(release, symbol.name, letter) {
            ranges.learn(&symbol);
            listed.push(Entry {
                name: SymbolName(symbol.name),
                address: symbol.value,
                letter,
                index,
                live: true,
            });
        }
    }
    // The kernel's own number of symbols tells whether CONFIG_KALLSYMS_ALL is set.
    let count = ranges.count_at.and_then(|at| embedded::count(elf, at));
    if count.is_some_and(|count| count != listed.len()) {
        let text = listed.iter().filter(|s| ranges.lists_text(s)).count();
        if count == Some(text) {
            listed.retain(|s| ranges.lists_text(s));
        }
    }
    // CONFIG_KALLSYMS_ABSOLUTE_PERCPU: per-CPU variables are linked to 0, and keep their offsets.
    if release.absolute_per_cpu && ranges.per_cpu.start == Some(0) {
        for symbol in &mut listed {
            if ranges.per_cpu.contains(symbol.address) {
                symbol.letter = b'A';
            }
        }
    }
    let key = |entry: &Entry<'d>| {
        let symbol = elf.get_symbol(SymbolId(entry.index as usize));
        order::SortKey {
            address: entry.address,
            letter: entry.letter,
            name: entry.name.0,
            size: symbol.map_or(0, |s| s.size),
            index: entry.index as usize,
        }
    };
    listed.sort_unstable_by(|a, b| {
        a.address
            .cmp(&b.address)
            .then_with(|| order::compare(&key(a), &key(b)))
    });
    Ok(SymbolTable::new(listed))
}

/// `struct addr_range` in scripts/kallsyms.c, which includes both ends.
#[derive(Clone, Copy, Default)]
struct Range {
    start: Option<u64>,
    end: Option<u64>,
}

impl Range {
    fn bounds(self) -> Option<RangeInclusive<u64>> {
        Some(self.start?..=self.end?)
    }

    fn contains(self, address: u64) -> bool {
        self.bounds().is_some_and(|r| r.contains(&address))
    }
}

/// The ranges of scripts/kallsyms.c.
#[derive(Default)]
struct Ranges {
    text: Range,
    init_text: Range,
    per_cpu: Range,
    /// The address of `kallsyms_num_syms`.
    count_at: Option<u64>,
}

impl Ranges {
    fn learn(&mut self, symbol: &Symbol<'_>) {
        let bound = match symbol.name {
            b"_stext" => &mut self.text.start,
            b"_etext" => &mut self.text.end,
            b"_sinittext" => &mut self.init_text.start,
            b"_einittext" => &mut self.init_text.end,
            b"__per_cpu_start" => &mut self.per_cpu.start,
            b"__per_cpu_end" => &mut self.per_cpu.end,
            b"kallsyms_num_syms" => &mut self.count_at,
            _ => return,
        };
        *bound = Some(symbol.value);
    }

    /// `symbol_valid()` without `--all-symbols`.
    fn lists_text(&self, symbol: &Entry<'_>) -> bool {
        let name = symbol.name.0;
        if name.starts_with(b"__start_") || name.starts_with(b"__stop_") {
            return true;
        }
        let address = symbol.address;
        if !self.text.contains(address) && !self.init_text.contains(address) {
            return false;
        }
        !(Some(address) == self.text.end && name != b"_etext"
            || Some(address) == self.init_text.end && name != b"_einittext")
    }
}
