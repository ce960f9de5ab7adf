// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Livepatches as a compiler and modpost leave them.

#![expect(
    clippy::cast_possible_truncation,
    reason = "files here have a few sections"
)]

use crate::elf::{Elf, Place};
use object::elf::{self, STB_GLOBAL, STB_LOCAL, STT_FUNC, STT_OBJECT};

/// A `klp_func`: its name, its position.
pub type Func<'a> = (&'a str, u64);

/// A livepatch that is put together: what it replaces, and what its code refers to.
#[derive(Clone, Debug)]
pub struct Livepatch {
    pub elf: Elf,
    pub text: usize,
    pub data: usize,
    strings: usize,
    this_module: usize,
    new_func: usize,
    next_reference: u64,
}

/// The lengths of the structs on a 64-bit kernel.
pub const KLP_FUNC: u64 = 152;
pub const KLP_OBJECT: u64 = 168;
pub const KLP_PATCH: u64 = 296;

impl Livepatch {
    /// One without a `klp_patch`.
    pub fn empty() -> Self {
        let alloc = elf::SHF_ALLOC;
        let write = alloc | elf::SHF_WRITE;
        let mut elf = Elf::new(elf::ET_REL);
        let data = elf.section(".data", write, &[]);
        let strings = elf.section(".rodata.str1.1", alloc | elf::SHF_STRINGS, b"\0");
        let text = elf.section(".text", alloc | elf::SHF_EXECINSTR, &[0; 0x400]);
        elf.section(
            ".modinfo",
            alloc,
            b"livepatch=Y\0license=GPL\0name=lp\0depends=\0vermagic=6.12\0",
        );
        let module = elf.section(".gnu.linkonce.this_module", write, &[0; 64]);
        let addrsig = elf.section(".llvm_addrsig", elf::SHF_EXCLUDE, &[1, 2]);
        elf.sections[addrsig].kind = elf::SectionType(0x6fff_4c03);
        let debug = elf.section(".debug_info", elf::SectionFlags(0), &[0; 16]);
        let section = elf::STT_SECTION;
        elf.symbol("", STB_LOCAL, section, Place::Section(addrsig), 0, 0);
        elf.symbol("", STB_LOCAL, section, Place::Section(debug), 0, 0);
        let new_func = elf.symbol(
            "replacement",
            STB_LOCAL,
            STT_FUNC,
            Place::Section(text),
            0,
            64,
        );
        let this_module = elf.symbol(
            "__this_module",
            STB_GLOBAL,
            STT_OBJECT,
            Place::Section(module),
            0,
            64,
        );
        let enable = elf.undefined("klp_enable_patch");
        elf.relocate(text, 0x300, enable, elf::R_X86_64_PLT32, -4);
        Self {
            elf,
            text,
            data,
            strings,
            this_module,
            new_func,
            next_reference: 8,
        }
    }

    /// One that replaces functions of objects (no name: vmlinux).
    pub fn replacing(objects: &[(Option<&str>, &[Func<'_>])]) -> Self {
        Self::replacing_with(objects, KLP_OBJECT, KLP_FUNC)
    }

    /// The same on a kernel on which the structs have other lengths.
    pub fn replacing_with(
        objects: &[(Option<&str>, &[Func<'_>])],
        klp_object: u64,
        klp_func: u64,
    ) -> Self {
        let mut patch = Self::empty();
        let at = patch.reserve("patch", KLP_PATCH);
        let array = patch.reserve("objs", klp_object * (objects.len() as u64 + 1));
        patch.point(at, patch.this_module, 0);
        patch.point_to_data(at + 8, array);
        for (i, (name, functions)) in objects.iter().enumerate() {
            let object = array + klp_object * i as u64;
            if let Some(name) = name {
                patch.point_to_string(object, name);
            }
            let funcs = patch.reserve("funcs", klp_func * (functions.len() as u64 + 1));
            patch.point_to_data(object + 8, funcs);
            for (j, (name, sympos)) in functions.iter().enumerate() {
                let function = funcs + klp_func * j as u64;
                patch.point_to_string(function, name);
                patch.point(function + 8, patch.new_func, 0);
                let place = function as usize + 16;
                patch.elf.sections[patch.data].data[place..place + 8]
                    .copy_from_slice(&sympos.to_le_bytes());
            }
        }
        patch
    }

    /// One that replaces a function of vmlinux.
    pub fn of(name: &str) -> Self {
        Self::replacing(&[(None, &[(name, 0)])])
    }

    /// Adds a call to an undefined symbol.
    pub fn call(mut self, name: &str) -> Self {
        let symbol = self.elf.undefined(name);
        self.refer(symbol);
        self
    }

    /// Adds a reference to a symbol from the code.
    pub fn refer(&mut self, symbol: usize) {
        let offset = self.next_reference;
        self.next_reference += 8;
        self.elf
            .relocate(self.text, offset, symbol, elf::R_X86_64_PLT32, -4);
    }

    pub fn build(&self) -> Vec<u8> {
        self.elf.build()
    }

    fn reserve(&mut self, name: &str, size: u64) -> u64 {
        let place = Place::Section(self.data);
        let data = &mut self.elf.sections[self.data].data;
        let start = data.len() as u64;
        data.resize(data.len() + size as usize, 0);
        self.elf
            .symbol(name, STB_LOCAL, STT_OBJECT, place, start, size);
        start
    }

    fn point(&mut self, at: u64, symbol: usize, addend: u64) {
        let addend = 0_i64.wrapping_add_unsigned(addend);
        self.elf
            .relocate(self.data, at, symbol, elf::R_X86_64_64, addend);
    }

    fn point_to_data(&mut self, at: u64, to: u64) {
        let symbol = self.section_symbol(self.data);
        self.point(at, symbol, to);
    }

    fn point_to_string(&mut self, at: u64, string: &str) {
        let symbol = self.section_symbol(self.strings);
        let data = &mut self.elf.sections[self.strings].data;
        let to = data.len() as u64;
        data.extend_from_slice(string.as_bytes());
        data.push(0);
        self.point(at, symbol, to);
    }

    fn section_symbol(&mut self, section: usize) -> usize {
        let place = Place::Section(section);
        let found = self
            .elf
            .symbols
            .iter()
            .position(|s| s.kind == elf::STT_SECTION && s.place == place);
        found.unwrap_or_else(|| {
            self.elf
                .symbol("", STB_LOCAL, elf::STT_SECTION, place, 0, 0)
        })
    }
}
