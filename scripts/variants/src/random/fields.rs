// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Damage to the numbers of an ELF file, where they are.

use fastrand::Rng;
use klp_gen::elf::{ElfFile, Section, SectionId, SymbolId, SHF_RELA_LIVEPATCH};
use object::elf;
use std::collections::BTreeSet;

/// Numbers that mean something to somebody.
const TELLING: [u64; 34] = [
    0,
    1,
    2,
    3,
    4,
    5,
    6,
    7,
    8,
    9,
    10,
    11,
    16,
    24,
    42,
    64,
    0x7f,
    0x80,
    0xff,
    0x100,
    0x1000,
    0xfeff,
    0xff00,
    0xff20,
    0xfff1,
    0xfff2,
    0xffff,
    SHF_RELA_LIVEPATCH,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    1 << 32,
    1 << 63,
    u64::MAX,
];

/// A number in the file: where, how many bytes, and what it is.
struct Field {
    at: usize,
    width: usize,
    what: String,
}

/// A record of which there are several: fields, and how long it is.
struct Table {
    name: &'static str,
    fields: &'static [(&'static str, usize, usize)],
    size: usize,
}

const HEADER: Table = Table {
    name: "header",
    fields: &[
        ("EI_MAG", 0, 4),
        ("EI_CLASS", 4, 1),
        ("EI_DATA", 5, 1),
        ("EI_VERSION", 6, 1),
        ("EI_OSABI", 7, 1),
        ("e_type", 16, 2),
        ("e_machine", 18, 2),
        ("e_version", 20, 4),
        ("e_entry", 24, 8),
        ("e_phoff", 32, 8),
        ("e_shoff", 40, 8),
        ("e_flags", 48, 4),
        ("e_ehsize", 52, 2),
        ("e_phentsize", 54, 2),
        ("e_phnum", 56, 2),
        ("e_shentsize", 58, 2),
        ("e_shnum", 60, 2),
        ("e_shstrndx", 62, 2),
    ],
    size: 64,
};

const SECTION: Table = Table {
    name: "section",
    fields: &[
        ("sh_name", 0, 4),
        ("sh_type", 4, 4),
        ("sh_flags", 8, 8),
        ("sh_addr", 16, 8),
        ("sh_offset", 24, 8),
        ("sh_size", 32, 8),
        ("sh_link", 40, 4),
        ("sh_info", 44, 4),
        ("sh_addralign", 48, 8),
        ("sh_entsize", 56, 8),
    ],
    size: 64,
};

const SYMBOL: Table = Table {
    name: "symbol",
    fields: &[
        ("st_name", 0, 4),
        ("st_info", 4, 1),
        ("st_other", 5, 1),
        ("st_shndx", 6, 2),
        ("st_value", 8, 8),
        ("st_size", 16, 8),
    ],
    size: 24,
};

const RELOCATION: Table = Table {
    name: "relocation",
    fields: &[
        ("r_offset", 0, 8),
        ("r_type", 8, 4),
        ("r_sym", 12, 4),
        ("r_addend", 16, 8),
    ],
    size: 24,
};

/// Changes one number, and says which and how.
pub fn change(bytes: &mut [u8], rng: &mut Rng) -> String {
    let Ok(elf) = ElfFile::parse(String::new(), &bytes[..]) else {
        // It is damaged already.
        return change_field(bytes, rng, &HEADER, 0, 1, &[]);
    };
    let code = Executed::of(&elf);
    let header = |bytes: &[u8], at| usize::try_from(number(bytes, at, 8)).unwrap_or(usize::MAX);
    let sections = (header(bytes, 40), elf.section_count());
    let symtab = elf.symtab_section().and_then(|id| elf.get_section(id));
    let place = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX);
    let symbols = symtab.map(|s| (place(s.offset), elf.symbol_count()));
    let relocations: Vec<_> = elf
        .sections()
        .filter(|s| s.kind == elf::SHT_RELA && !code.relocations.contains(&s.id))
        .map(|s| (place(s.offset), place(s.size) / RELOCATION.size))
        .filter(|(_, count)| *count > 0)
        .collect();
    let strings: Vec<_> = elf
        .sections()
        .filter(|s| !is_run(s) && !s.is_nobits() && s.size > 0)
        .filter(|s| [elf::SHT_STRTAB, elf::SHT_PROGBITS, elf::SHT_NOTE].contains(&s.kind))
        .map(|s| {
            (
                String::from_utf8_lossy(s.name).into_owned(),
                place(s.offset),
                place(s.size),
            )
        })
        .collect();
    match rng.u8(..20) {
        0 => change_field(bytes, rng, &HEADER, 0, 1, &[]),
        1..=7 => {
            let skip = code.sections.clone();
            change_field(bytes, rng, &SECTION, sections.0, sections.1, &skip)
        }
        8..=11 if symbols.is_some() => {
            let (at, count) = symbols.unwrap_or_default();
            let skip = code.symbols.clone();
            change_field(bytes, rng, &SYMBOL, at, count, &skip)
        }
        12..=15 if !relocations.is_empty() => {
            let (at, count) = relocations[rng.usize(..relocations.len())];
            change_field(bytes, rng, &RELOCATION, at, count, &[])
        }
        _ if !strings.is_empty() => {
            let (name, at, size) = &strings[rng.usize(..strings.len())];
            change_byte(bytes, rng, name, *at, *size)
        }
        _ => change_field(bytes, rng, &HEADER, 0, 1, &[]),
    }
}

/// Sections that the processor runs, or goes by meanwhile: by number, and the fields of each that are kept.
struct Executed {
    sections: Vec<(usize, &'static [&'static str])>,
    symbols: Vec<(usize, &'static [&'static str])>,
    relocations: BTreeSet<SectionId>,
}

impl Executed {
    fn of(elf: &ElfFile<'_>) -> Self {
        const PLACE: &[&str] = &["sh_type", "sh_offset", "sh_size", "sh_flags"];
        const VALUE: &[&str] = &["st_shndx", "st_value", "st_name"];
        let mut sections: Vec<_> = elf
            .sections()
            .filter(is_run)
            .map(|s| (s.id.0, PLACE))
            .collect();
        let runs = |id: usize| elf.get_section(SectionId(id)).is_some_and(|s| is_run(&s));
        let mut symbols = BTreeSet::new();
        let mut relocations = BTreeSet::new();
        for section in elf.sections().filter(|s| s.kind == elf::SHT_RELA) {
            if section.is_livepatch_rela() || !runs(section.info as usize) {
                continue;
            }
            relocations.insert(section.id);
            sections.push((
                section.id.0,
                &["sh_type", "sh_offset", "sh_size", "sh_info", "sh_flags"],
            ));
            for relocation in elf.relocations(&section).unwrap_or_default() {
                let symbol = relocation.r_sym(elf.endian(), false) as usize;
                if elf.get_symbol(SymbolId(symbol)).is_some() {
                    symbols.insert(symbol);
                }
            }
        }
        Self {
            sections,
            symbols: symbols.into_iter().map(|s| (s, VALUE)).collect(),
            relocations,
        }
    }
}

/// Returns true if a section is code, or a table that some part of the kernel goes by: unwinding, tracing,
/// parameters.
fn is_run(section: &Section<'_>) -> bool {
    const DATA: [&[u8]; 5] = [b".data", b".rodata", b".bss", b".modinfo", b".note"];
    let is_data = DATA.iter().any(|name| section.name.starts_with(name));
    section.is_code() || section.is_alloc() && !is_data && !section.is_livepatch_rela()
}

/// Changes a field of one of the `count` records at `at`.
fn change_field(
    bytes: &mut [u8],
    rng: &mut Rng,
    table: &Table,
    at: usize,
    count: usize,
    kept: &[(usize, &[&str])],
) -> String {
    let field = loop {
        let record = rng.usize(..count.max(1));
        let &(name, offset, width) = &table.fields[rng.usize(..table.fields.len())];
        let is_kept =
            |(number, names): &(usize, &[&str])| *number == record && names.contains(&name);
        if !kept.iter().any(is_kept) {
            break Field {
                at: at + record * table.size + offset,
                width,
                what: format!("{}[{record}].{name}", table.name),
            };
        }
    };
    let old = number(bytes, field.at, field.width);
    let new = match rng.u8(..6) {
        // What another record has there.
        0 | 1 => {
            let record = rng.usize(..count.max(1));
            let offset = field.at.wrapping_sub(at) % table.size;
            number(bytes, at + record * table.size + offset, field.width)
        }
        2 => old ^ (1 << rng.usize(..field.width * 8)),
        3 => old.wrapping_add(rng.u64(1..=8)),
        4 => old.wrapping_sub(rng.u64(1..=8)),
        _ => TELLING[rng.usize(..TELLING.len())],
    };
    write(bytes, field.at, field.width, new);
    let new = number(bytes, field.at, field.width);
    format!("{} {old:#x} -> {new:#x}", field.what)
}

/// Changes a byte of what is mostly text.
fn change_byte(bytes: &mut [u8], rng: &mut Rng, name: &str, at: usize, size: usize) -> String {
    const BYTES: &[u8] = b"\0\0\0.,_-=%0123af*Y/";
    let offset = rng.usize(..size);
    let new = BYTES[rng.usize(..BYTES.len())];
    let Some(byte) = bytes.get_mut(at + offset) else {
        return String::new();
    };
    let old = std::mem::replace(byte, new);
    format!("{name}+{offset:#x} {old:#x} -> {new:#x}")
}

fn number(bytes: &[u8], at: usize, width: usize) -> u64 {
    let field = at.checked_add(width).and_then(|end| bytes.get(at..end));
    let field = field.unwrap_or_default().iter().rev();
    field.fold(0, |sum, &byte| sum << 8 | u64::from(byte))
}

fn write(bytes: &mut [u8], at: usize, width: usize, number: u64) {
    let end = at.saturating_add(width);
    if let Some(field) = bytes.get_mut(at..end) {
        field.copy_from_slice(&number.to_le_bytes()[..width]);
    }
}
