// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Livepatches as a compiler and modpost leave them.

#![expect(
    clippy::cast_possible_truncation,
    reason = "files here have a few sections"
)]

use crate::elf::{Elf, Place};
use crate::kernel::VERMAGIC;
use object::elf::{self, STB_GLOBAL, STB_LOCAL, STT_FUNC, STT_OBJECT};

/// A `klp_func`: its name, its position.
pub type Func<'a> = (&'a str, u64);

/// A livepatch that is put together: what it replaces, and what its code refers to.
#[derive(Clone, Debug)]
pub struct Livepatch {
    /// The file.
    pub elf: Elf,
    /// The place of its `.text`.
    pub text: usize,
    /// The place of its `.data`.
    pub data: usize,
    strings: usize,
    this_module: usize,
    /// The place of the symbol of the function that it puts in.
    pub new_func: usize,
    next_reference: u64,
}

/// The offsets of members in the data of a livepatch: the `klp_patch` is first.
const STATES: usize = 16;
const REPLACE: usize = 24;

/// The place of the init function in `.text`, and that of the pointer to it in the `struct module`.
const INIT: u64 = 0x2e0;
const MODULE_INIT: u64 = 8;

/// The length of a `klp_func` on a 64-bit kernel.
pub const KLP_FUNC: u64 = 152;
/// The length of a `klp_object`.
pub const KLP_OBJECT: u64 = 168;
/// The length of a `klp_patch`.
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
            b"livepatch=Y\0license=GPL\0name=lp\0depends=\0vermagic=6.12.1 SMP mod_unload \0",
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
        let code = Place::Section(text);
        let init = elf.symbol("init_module", STB_GLOBAL, STT_FUNC, code, INIT, 0x40);
        elf.relocate(module, MODULE_INIT, init, elf::R_X86_64_64, 0);
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
        patch.point(patch.data, at, patch.this_module, 0);
        patch.point_to_data(at + 8, array);
        for (i, (name, functions)) in objects.iter().enumerate() {
            let object = array + klp_object * i as u64;
            if let Some(name) = name {
                patch.point_to_string(patch.data, object, name);
            }
            let funcs = patch.reserve("funcs", klp_func * (functions.len() as u64 + 1));
            patch.point_to_data(object + 8, funcs);
            for (j, (name, sympos)) in functions.iter().enumerate() {
                let function = funcs + klp_func * j as u64;
                patch.point_to_string(patch.data, function, name);
                patch.point(patch.data, function + 8, patch.new_func, 0);
                patch.write(patch.data, function as usize + 16, &sympos.to_le_bytes());
            }
        }
        patch
    }

    /// One as objtool and klp-build make it: arrays from which init code builds the `klp_patch`.
    /// Before 7.0 they were in sections called `__klp_objects` and `__klp_funcs`.
    pub fn klp_build(prefix: &str, objects: &[(Option<&str>, &[Func<'_>])]) -> Self {
        let mut patch = Self::empty();
        let write = elf::SHF_ALLOC | elf::SHF_WRITE;
        let (object_ext, func_ext) = (64, 24);
        let count: usize = objects.iter().map(|o| o.1.len()).sum();
        let objects_size = vec![0; object_ext * objects.len()];
        let section = format!("{prefix}klp_objects");
        let array = patch.elf.section(&section, write, &objects_size);
        let section = format!("{prefix}klp_funcs");
        let functions = patch
            .elf
            .section(&section, write, &vec![0; func_ext * count]);
        let functions_symbol = patch.section_symbol(functions);
        let mut next = 0;
        for (i, (name, funcs)) in objects.iter().enumerate() {
            let object = object_ext * i;
            if let Some(name) = name {
                patch.point_to_string(array, object as u64, name);
            }
            patch.point(array, object as u64 + 8, functions_symbol, next as u64);
            patch.write(array, object + 56, &(funcs.len() as u32).to_le_bytes());
            for (name, sympos) in *funcs {
                patch.point_to_string(functions, next as u64, name);
                patch.point(functions, next as u64 + 8, patch.new_func, 0);
                patch.write(functions, next + 16, &sympos.to_le_bytes());
                next += func_ext;
            }
        }
        patch
    }

    /// One as kpatch-build makes it: an array of `kpatch_patch_func`, and for the objects of
    /// `callbacks` a pre-patch callback.
    pub fn kpatch(objects: &[(Option<&str>, &[Func<'_>])], callbacks: &[&str]) -> Self {
        let mut patch = Self::empty();
        let write = elf::SHF_ALLOC | elf::SHF_WRITE;
        let functions = patch.elf.section(".kpatch.funcs", write, &[]);
        for (objname, funcs) in objects {
            for (name, sympos) in *funcs {
                let at = patch.elf.sections[functions].data.len();
                patch.elf.sections[functions].data.resize(at + 56, 0);
                patch.point(functions, at as u64, patch.new_func, 0);
                patch.write(functions, at + 32, &sympos.to_le_bytes());
                patch.point_to_string(functions, at as u64 + 40, name);
                patch.point_to_string(functions, at as u64 + 48, objname.unwrap_or("vmlinux"));
            }
        }
        // The linker script pads each of these sections.
        let padded = vec![0; 16 * callbacks.len() + 8];
        let array = patch
            .elf
            .section(".kpatch.callbacks.pre_patch", write, &padded);
        for (i, objname) in callbacks.iter().enumerate() {
            patch.point(array, 16 * i as u64, patch.new_func, 0);
            patch.point_to_string(array, 16 * i as u64 + 8, objname);
        }
        patch
    }

    /// One that replaces a function of vmlinux.
    pub fn of(name: &str) -> Self {
        Self::replacing(&[(None, &[(name, 0)])])
    }

    /// Has its code hand the `klp_patch` to `klp_enable_patch()`.
    pub fn enabled_by_code(mut self) -> Self {
        let data = self.section_symbol(self.data);
        self.elf
            .relocate(self.text, 0x2f8, data, elf::R_X86_64_32S, 0);
        self
    }

    /// Makes it replace all livepatches before it.
    pub fn cumulative(mut self) -> Self {
        self.write(self.data, REPLACE, &[1]);
        self
    }

    /// Gives it states: their ids and versions.
    pub fn with_states(mut self, states: &[(u64, u32)]) -> Self {
        let array = self.reserve("states", 24 * (states.len() as u64 + 1));
        for (i, (id, version)) in states.iter().enumerate() {
            let at = array as usize + 24 * i;
            self.write(self.data, at, &id.to_le_bytes());
            self.write(self.data, at + 8, &version.to_le_bytes());
        }
        self.point_to_data(STATES as u64, array);
        self
    }

    /// Gives it another modinfo: these strings, and the version magic of the kernel.
    pub fn with_modinfo(mut self, strings: &[&str]) -> Self {
        let vermagic = format!("vermagic={VERMAGIC}");
        self.set_modinfo(&[strings, &[&vermagic]].concat());
        self
    }

    /// Gives it another modinfo.
    pub fn set_modinfo(&mut self, strings: &[&str]) {
        let found = self.elf.sections.iter().position(|s| s.name == ".modinfo");
        self.elf.sections[found.unwrap()].data = (strings.join("\0") + "\0").into_bytes();
    }

    /// Adds a call to an undefined symbol.
    pub fn call(mut self, name: &str) -> Self {
        let symbol = self.elf.undefined(name);
        self.refer(symbol);
        self
    }

    /// Adds a reference to an undefined symbol that is data.
    pub fn read(mut self, name: &str) -> Self {
        let symbol = self.elf.undefined(name);
        self.refer_as(symbol, elf::R_X86_64_PC32);
        self
    }

    /// Adds a call to a symbol.
    pub fn refer(&mut self, symbol: usize) {
        self.refer_as(symbol, elf::R_X86_64_PLT32);
    }

    /// Adds a reference to a symbol from the code.
    pub fn refer_as(&mut self, symbol: usize, kind: elf::RelocationType) {
        let offset = self.next_reference;
        self.next_reference += 8;
        self.elf.relocate(self.text, offset, symbol, kind, -4);
    }

    /// Returns the bytes of the file.
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

    fn write(&mut self, section: usize, at: usize, bytes: &[u8]) {
        self.elf.sections[section].data[at..at + bytes.len()].copy_from_slice(bytes);
    }

    /// Makes a place of a section point to a symbol.
    pub fn point(&mut self, section: usize, at: u64, symbol: usize, addend: u64) {
        let addend = 0_i64.wrapping_add_unsigned(addend);
        self.elf
            .relocate(section, at, symbol, elf::R_X86_64_64, addend);
    }

    fn point_to_data(&mut self, at: u64, to: u64) {
        let symbol = self.section_symbol(self.data);
        self.point(self.data, at, symbol, to);
    }

    fn point_to_string(&mut self, section: usize, at: u64, string: &str) {
        let symbol = self.section_symbol(self.strings);
        let data = &mut self.elf.sections[self.strings].data;
        let to = data.len() as u64;
        data.extend_from_slice(string.as_bytes());
        data.push(0);
        self.point(section, at, symbol, to);
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
