// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The table that the kernel keeps of a module: kernel/module/kallsyms.c, applied to a `.ko`.
//!
//! A module has no addresses before it is loaded. Here, an address is the offset in the symbol's section.

use crate::elf::{ElfFile, Place, Section, Symbol};
use crate::error::Result;
use crate::livepatch::{Loaded, Modinfo};
use crate::release::Release;
use crate::symbols::{Entry, SymbolTable};
use klp_policy::SymbolName;
use object::elf;
use object::read::ReadRef;
use std::collections::HashSet;

/// The prefix of the name of a symbol's entry in the export table.
pub const KSYMTAB: &[u8] = b"__ksymtab_";

/// Reads the symbols of a module in the order of its symbol table, without undefined symbols, which the
/// livepatch core skips, and without symbols that have no name.
///
/// # Errors
///
/// The file has no symbol table.
pub fn read<'d, R: ReadRef<'d>>(elf: &ElfFile<'d, R>) -> Result<SymbolTable<'d>> {
    if elf.symbols().next().is_none() {
        elf.expect_symtab_contents()?;
        return Err(elf.malformed("expected a symbol table (a module that is not stripped)"));
    }
    let modinfo = Modinfo::of(elf)?;
    let livepatch = modinfo.get(b"livepatch").is_some() || elf.is_debug_only() && enables(elf);
    let freed = FreedSections::of(elf, &modinfo);
    let exported: HashSet<_> = exports(elf).collect();
    let loaded = Loaded::new(elf, Release::of_vermagic(modinfo.vermagic()));
    let per_cpu = loaded.per_cpu();
    let stays = |section: &Section<'_>| {
        loaded.has_memory(section) && !freed.contains(section) && !loaded.is_table(section)
    };
    let sections = elf.loaded_sections();
    let entries = elf
        .symbols()
        .filter(|s| s.place != Place::Undefined && !s.name.is_empty())
        .map(|symbol| {
            let id = symbol.section();
            let section = id.and_then(|id| sections.get(id.0)).copied().flatten();
            let in_per_cpu = id.is_some() && id == per_cpu;
            let letter = letter(&symbol, section.as_ref(), &loaded);
            let exported = symbol.bind != elf::STB_LOCAL && exported.contains(symbol.name);
            Entry {
                name: SymbolName(symbol.name),
                address: symbol.value,
                letter: if exported {
                    letter.to_ascii_uppercase()
                } else {
                    letter
                },
                index: u32::try_from(symbol.id.0).unwrap_or(u32::MAX),
                // A livepatch module keeps its whole table.
                live: livepatch || in_per_cpu || section.is_some_and(|s| stays(&s)),
            }
        });
    Ok(SymbolTable::new(entries.collect()))
}

/// Returns true if a module calls `klp_enable_patch()`, which the kernel allows livepatches only.
fn enables<'d, R: ReadRef<'d>>(elf: &ElfFile<'d, R>) -> bool {
    let mut undefined = elf.symbols().filter(|s| s.place == Place::Undefined);
    undefined.any(|s| s.name == b"klp_enable_patch")
}

/// Returns the names that a module exports to all modules: `is_exported()`, which does not check exports
/// for GPL modules only.
fn exports<'d: 'e, 'e, R: ReadRef<'d>>(
    elf: &'e ElfFile<'d, R>,
) -> impl Iterator<Item = &'d [u8]> + 'e {
    let table = elf.section_by_name(b"__ksymtab").map(|s| s.id);
    elf.symbols()
        .filter(move |s| table.is_some() && s.section() == table)
        .filter_map(|s| s.name.strip_prefix(KSYMTAB))
}

/// The sections that the kernel frees once the module has initialized: `module_init_layout_section()`.
///
/// With `CONFIG_KALLSYMS_ALL`, which livepatches need, the symbols in all other sections stay
/// (`is_core_symbol()`).
struct FreedSections {
    init: bool,
    exit: bool,
}

impl FreedSections {
    fn of<'d, R: ReadRef<'d>>(elf: &ElfFile<'d, R>, modinfo: &Modinfo<'_>) -> Self {
        let cannot_unload = |magic: &[u8]| {
            !magic
                .split(|&b| b == b' ')
                .any(|word| word == b"mod_unload")
        };
        Self {
            // arch/powerpc/kernel/module_64.c has a module_init_section() of its own.
            init: elf.machine() != elf::EM_PPC64,
            // Without CONFIG_MODULE_UNLOAD, the exit sections are freed as well.
            exit: modinfo.vermagic().is_some_and(cannot_unload),
        }
    }

    fn contains(&self, section: &Section<'_>) -> bool {
        self.init && section.name.starts_with(b".init")
            || self.exit && section.name.starts_with(b".exit")
    }
}

/// `elf_type()`
fn letter(symbol: &Symbol<'_>, section: Option<&Section<'_>>, loaded: &Loaded) -> u8 {
    if symbol.is_weak() {
        return if symbol.kind == elf::STT_OBJECT {
            b'v'
        } else {
            b'w'
        };
    }
    let section = match symbol.place {
        Place::Undefined => return b'U',
        Place::Absolute => return b'a',
        Place::Section(id) if loaded.per_cpu() == Some(id) => return b'a',
        Place::Section(_) => section,
        Place::Common | Place::Livepatch | Place::Reserved(_) => None,
    };
    let Some(section) = section else {
        return b'?';
    };
    if section.is_code() {
        b't'
    } else if loaded.has_memory(section) && !section.is_nobits() {
        if section.is_writable() {
            b'd'
        } else {
            b'r'
        }
    } else if section.is_nobits() {
        b'b'
    } else if section.name.starts_with(b".debug") {
        b'n'
    } else {
        b'?'
    }
}
