// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Valid files with some changed fields.
//!
//! libFuzzer seldom gets from one consistent file to another by itself. These edits know the tables of an ELF file.

use super::{livepatch, module, vmlinux};
use crate::fixtures;
use arbitrary::{Arbitrary, Unstructured};
use klp_gen::elf::ElfFile;
use object::elf;
use std::ops::Range;
use std::sync::OnceLock;

/// A valid file, and the edits.
#[derive(Debug, Arbitrary)]
struct Edited {
    base: Base,
    edits: Vec<Edit>,
}

#[derive(Clone, Copy, Debug, Arbitrary)]
enum Base {
    Livepatch,
    Converted,
    Module,
    Vmlinux,
}

#[derive(Debug, Arbitrary)]
enum Edit {
    /// Sets a field of an entry of a table.
    Field {
        table: Table,
        entry: u8,
        field: u8,
        value: Value,
    },
    /// Copies an entry over another entry of the same table.
    Entry { table: Table, from: u8, to: u8 },
    /// Writes a string into the table of names of symbols or sections.
    String { sections: bool, at: u16, name: u8 },
    /// Sets a byte.
    Byte { at: u16, value: u8 },
    /// Truncates the file.
    End(u16),
}

#[derive(Clone, Copy, Debug, Arbitrary)]
enum Table {
    Header,
    Sections,
    Symbols,
    /// The entries of all sections with relocations.
    Relocations,
}

#[derive(Clone, Copy, Debug, Arbitrary)]
enum Value {
    Small(u8),
    Negative(u8),
    Power(u8),
    /// The length of the file, and a little more or less.
    Length(i8),
    Any(u64),
}

/// Offset and size of the fields of an ELF header, from `e_ident` on.
const HEADER: &[(usize, usize)] = &[
    (4, 1),
    (5, 1),
    (16, 2),
    (18, 2),
    (40, 8),
    (48, 4),
    (58, 2),
    (60, 2),
    (62, 2),
];
const SECTION: &[(usize, usize)] = &[
    (0, 4),
    (4, 4),
    (8, 8),
    (16, 8),
    (24, 8),
    (32, 8),
    (40, 4),
    (44, 4),
    (48, 8),
    (56, 8),
];
const SYMBOL: &[(usize, usize)] = &[(0, 4), (4, 1), (5, 1), (6, 2), (8, 8), (16, 8)];
const RELOCATION: &[(usize, usize)] = &[(0, 8), (8, 4), (12, 4), (16, 8)];

/// Names with a meaning.
const NAMES: &[&[u8]] = &[
    b"promoted.llvm.9a",
    b"init_once.llvm.*",
    b"x.llvm.1.llvm.2.cold",
    b".klp.sym.vmlinux.table,0",
    b".klp.sym.vmlinux.init_once,2",
    b".klp.sym.net_mod.handle,1",
    b".klp.rela.vmlinux.text",
    b".klp.rela.net_mod.data",
    b".modinfo",
    b".gnu.linkonce.this_module",
    b"__mcount_loc",
    b"__ksymtab",
    b"__ksymtab_table",
    b"klp_sympos_v1",
    b"klp_enable_patch",
    b"_stext",
    b"kallsyms_num_syms",
    b"__start_mcount_loc",
    b"",
];

/// A valid file, and the places of its tables.
struct Layout {
    bytes: Vec<u8>,
    sections: Range<usize>,
    symbols: Range<usize>,
    relocations: Vec<Range<usize>>,
    symbol_names: Range<usize>,
    section_names: Range<usize>,
}

/// Edits a file, and runs the target for its kind.
pub fn run(data: &[u8]) {
    let Ok(edited) = Edited::arbitrary_take_rest(Unstructured::new(data)) else {
        return;
    };
    let layout = layout(edited.base);
    let mut bytes = layout.bytes.clone();
    for edit in &edited.edits {
        layout.apply(edit, &mut bytes);
    }
    match edited.base {
        Base::Livepatch | Base::Converted => livepatch::run(&bytes),
        Base::Module => module::run(&bytes),
        Base::Vmlinux => vmlinux::run(&bytes),
    }
}

fn layout(base: Base) -> &'static Layout {
    static LAYOUTS: [OnceLock<Layout>; 4] = [const { OnceLock::new() }; 4];
    LAYOUTS[base as usize].get_or_init(|| {
        Layout::of(match base {
            Base::Livepatch => fixtures::livepatch(),
            Base::Converted => fixtures::converted(),
            Base::Module => fixtures::module(),
            Base::Vmlinux => fixtures::vmlinux(),
        })
    })
}

impl Layout {
    fn of(bytes: Vec<u8>) -> Self {
        let elf = ElfFile::parse("base".to_owned(), &bytes[..]).expect("a right file");
        let number = |n: u64| usize::try_from(n).expect("a small file");
        let range = |s: &klp_gen::elf::Section<'_>| number(s.offset)..number(s.offset + s.size);
        let named = |name: &[u8]| range(&elf.section_by_name(name).expect("a right file"));
        let start = number(elf.header().e_shoff.get(elf.endian()));
        Self {
            sections: start..start + 64 * elf.section_count(),
            symbols: named(b".symtab"),
            relocations: elf
                .sections()
                .filter(|s| s.kind == elf::SHT_RELA)
                .map(|s| range(&s))
                .collect(),
            symbol_names: named(b".strtab"),
            section_names: named(b".shstrtab"),
            bytes,
        }
    }

    fn apply(&self, edit: &Edit, bytes: &mut Vec<u8>) {
        match *edit {
            Edit::Field {
                table,
                entry,
                field,
                value,
            } => {
                let (fields, _) = table.shape();
                let (offset, size) = fields[usize::from(field) % fields.len()];
                let start = self.entry(table, entry).start + offset;
                let value = self.value(value).to_le_bytes();
                overwrite(bytes, start, &value[..size]);
            }
            Edit::Entry { table, from, to } => {
                let entry = bytes.get(self.entry(table, from)).map(<[u8]>::to_vec);
                let start = self.entry(table, to).start;
                overwrite(bytes, start, &entry.unwrap_or_default());
            }
            Edit::String { sections, at, name } => {
                let strings = if sections {
                    &self.section_names
                } else {
                    &self.symbol_names
                };
                let start = strings.start + usize::from(at) % strings.len();
                let name = NAMES[usize::from(name) % NAMES.len()];
                overwrite(bytes, start, name);
                overwrite(bytes, start + name.len(), &[0]);
            }
            Edit::Byte { at, value } => overwrite(bytes, at.into(), &[value]),
            Edit::End(len) => bytes.truncate(len.into()),
        }
    }

    fn entry(&self, table: Table, entry: u8) -> Range<usize> {
        let (_, size) = table.shape();
        let table = match table {
            Table::Header => return 0..size,
            Table::Sections => &self.sections,
            Table::Symbols => &self.symbols,
            // A kernel image has none.
            Table::Relocations if self.relocations.is_empty() => return 0..0,
            Table::Relocations => &self.relocations[usize::from(entry) % self.relocations.len()],
        };
        let start = table.start + usize::from(entry) % (table.len() / size) * size;
        start..start + size
    }

    fn value(&self, value: Value) -> u64 {
        match value {
            Value::Small(n) => n.into(),
            Value::Negative(n) => u64::from(n).wrapping_neg(),
            Value::Power(n) => 1 << (n % 64),
            Value::Length(n) => (self.bytes.len() as u64).wrapping_add_signed(n.into()),
            Value::Any(n) => n,
        }
    }
}

impl Table {
    /// The fields of an entry, and its size.
    fn shape(self) -> (&'static [(usize, usize)], usize) {
        match self {
            Self::Header => (HEADER, 64),
            Self::Sections => (SECTION, 64),
            Self::Symbols => (SYMBOL, 24),
            Self::Relocations => (RELOCATION, 24),
        }
    }
}

/// Writes the bytes that are within the file.
fn overwrite(bytes: &mut [u8], start: usize, new: &[u8]) {
    for (old, &new) in bytes.iter_mut().skip(start).zip(new) {
        *old = new;
    }
}
