// SPDX-License-Identifier: GPL-2.0 OR MIT

//! A kernel of a few symbols, with every difficulty that a real one has, and a module for it.

use crate::elf::{Elf, Place, ABSOLUTE, UNDEFINED};
use klp_gen::target::{Symvers, Target, TargetFiles};
use object::elf::{self, STB_GLOBAL, STB_LOCAL, STB_WEAK, STT_FILE, STT_FUNC, STT_OBJECT};
use std::fs;
use std::path::PathBuf;
use tempfile::TempDir;

/// The address of `.text`.
pub const TEXT: u64 = 0xffff_ffff_8100_0000;
/// The address of `.rodata`.
pub const RODATA: u64 = 0xffff_ffff_8180_0000;
/// The address of `.data`.
pub const DATA: u64 = 0xffff_ffff_8200_0000;
/// The address of `.init.text`.
pub const INIT_TEXT: u64 = 0xffff_ffff_8300_0000;
/// The address of `.bss`.
pub const BSS: u64 = 0xffff_ffff_8400_0000;

/// The version magic of the kernel and its module.
pub const VERMAGIC: &str = "6.12.1 SMP mod_unload ";

/// The version magic of [`linux_7_3`], and of a module for it.
pub const VERMAGIC_7_3: &str = "7.3.4 SMP mod_unload ";

/// The functions in .text: name, offset, binding, whether ftrace can trace it.
const FUNCTIONS: &[(&str, u64, elf::SymbolBind, bool)] = &[
    ("init_once", 0x100, STB_LOCAL, true),
    ("init_once.llvm.2222", 0x200, STB_LOCAL, true),
    ("init_once", 0x300, STB_LOCAL, true),
    ("init_once.llvm.1111", 0x400, STB_LOCAL, true),
    ("cmdline_proc_show", 0x500, STB_LOCAL, true),
    ("promoted.llvm.9a", 0x600, STB_GLOBAL, true),
    ("promoted.llvm.9a.cold", 0x700, STB_LOCAL, false),
    ("twin", 0x800, STB_LOCAL, true),
    ("twin.llvm.77", 0x900, STB_LOCAL, true),
    ("noinstr_function", 0xa00, STB_GLOBAL, false),
    ("_printk", 0xb00, STB_GLOBAL, true),
    ("klp_enable_patch", 0xc00, STB_GLOBAL, true),
    ("__fentry__", 0xd00, STB_GLOBAL, false),
    ("__alias_b", 0xe00, STB_GLOBAL, true),
    ("alias_a", 0xe00, STB_GLOBAL, true),
    ("aliaz_weak", 0xe00, STB_WEAK, true),
    ("__start_alias", 0xe00, STB_GLOBAL, true),
    ("alias_c", 0xe00, STB_LOCAL, true),
    ("__crc_alias", 0xe00, STB_LOCAL, true),
    ("bump.cnt_1", 0xf00, STB_LOCAL, false),
    ("mixed", 0xf80, STB_LOCAL, true),
];

/// The kernel image.
pub fn vmlinux() -> Elf {
    let alloc = elf::SHF_ALLOC;
    let write = alloc | elf::SHF_WRITE;
    let mut kernel = Elf::new(elf::ET_EXEC);
    let text = kernel.section(".text", alloc | elf::SHF_EXECINSTR, &[0x90; 0x1000]);
    let rodata = kernel.section(".rodata", alloc, &[0; 0x1000]);
    let data = kernel.section(".data", write, &[0; 0x1000]);
    let percpu = kernel.section(".data..percpu", write, &[0; 0x100]);
    let init_text = kernel.section(".init.text", alloc | elf::SHF_EXECINSTR, &[0x90; 0x1000]);
    let calls: Vec<u64> = FUNCTIONS
        .iter()
        .filter(|f| f.3)
        .map(|f| TEXT + f.1 + 4)
        .chain([INIT_TEXT + 0x104])
        .collect();
    let table: Vec<u8> = calls.iter().flat_map(|a| a.to_le_bytes()).collect();
    let end_of_table = INIT_TEXT + 0x1000 + table.len() as u64;
    let init_data = kernel.section(".init.data", write, &table);
    let bss = kernel.section(".bss", write, &[]);
    kernel.sections[bss].kind = elf::SHT_NOBITS;
    kernel.sections[bss].size = 0x1000;
    let addresses = [TEXT, RODATA, DATA, 0, INIT_TEXT, INIT_TEXT + 0x1000, BSS];
    for (section, address) in kernel.sections.iter_mut().zip(addresses) {
        section.address = address;
    }

    for (offset, string) in [(0x220, "NET_PRIVATE"), (0x240, VERMAGIC)] {
        let place = &mut kernel.sections[rodata].data[offset..offset + string.len()];
        place.copy_from_slice(string.as_bytes());
    }
    let mut add = |name: &str, bind, kind, section, address, size| {
        kernel.symbol(name, bind, kind, Place::Section(section), address, size);
    };
    for &(name, offset, bind, _) in FUNCTIONS {
        add(name, bind, STT_FUNC, text, TEXT + offset, 0x80);
    }
    for (name, section, address) in [
        ("__start___ksymtab_gpl", rodata, RODATA + 0x10c),
        ("__stop___ksymtab_gpl", rodata, RODATA + 0x130),
        ("_text", text, TEXT),
        ("_stext", text, TEXT),
        ("_etext", text, TEXT + 0x1000),
        ("_end", bss, BSS + 0x1000),
        ("__init_begin", init_text, INIT_TEXT),
        ("_sinittext", init_text, INIT_TEXT),
        ("_einittext", init_text, INIT_TEXT + 0x1000),
        ("__start_mcount_loc", init_data, INIT_TEXT + 0x1000),
        ("__stop_mcount_loc", init_data, end_of_table),
        ("__init_end", init_data, INIT_TEXT + 0x2000),
        ("__per_cpu_start", percpu, 0),
        ("__per_cpu_end", percpu, 0x100),
        ("start_kernel", init_text, INIT_TEXT + 0x100),
    ] {
        add(name, STB_GLOBAL, elf::STT_NOTYPE, section, address, 0);
    }
    for (name, section, address) in [
        ("fixed_percpu", percpu, 0),
        ("cpu_variable", percpu, 0x40),
        ("table", data, DATA + 0x10),
        ("show.buffer", data, DATA + 0x40),
        ("bump.cnt_2", data, DATA + 0x60),
        ("mixed", data, DATA + 0x80),
        ("show.buffer.llvm.5", bss, BSS + 0x40),
        ("__ksymtab__printk", rodata, RODATA + 0x100),
        ("__ksymtab_klp_enable_patch", rodata, RODATA + 0x10c),
        ("__ksymtab___fentry__", rodata, RODATA + 0x118),
        ("__ksymtab_gpl_in_namespace", rodata, RODATA + 0x124),
        ("__kstrtab__printk", rodata, RODATA + 0x200),
        ("__kstrtabns__printk", rodata, RODATA + 0x208),
        ("__kstrtabns_gpl_in_namespace", rodata, RODATA + 0x220),
        ("vermagic.llvm.1234", rodata, RODATA + 0x240),
        (".Llabel", text, TEXT + 0x110),
        ("__AArch64Thunk_x", text, TEXT + 0x110),
    ] {
        add(name, STB_LOCAL, STT_OBJECT, section, address, 8);
    }
    kernel.symbol("fs/proc/cmdline.c", STB_LOCAL, STT_FILE, ABSOLUTE, 0, 0);
    kernel.symbol(
        "text_size",
        STB_GLOBAL,
        elf::STT_NOTYPE,
        ABSOLUTE,
        0x1000,
        0,
    );
    kernel.symbol("weak_undefined", STB_WEAK, elf::STT_NOTYPE, UNDEFINED, 0, 0);
    kernel
}

/// The same kernel as Linux 7.3, in which a byte for each export tells whether the export is for GPL modules only.
pub fn linux_7_3() -> Elf {
    let mut kernel = with_vermagic(VERMAGIC_7_3);
    let gpl_only = RODATA + 0x10c..RODATA + 0x130;
    kernel
        .symbols
        .retain(|symbol| !symbol.name.ends_with("___ksymtab_gpl"));
    let exports = kernel.symbols.iter().filter_map(|symbol| {
        let name = symbol.name.strip_prefix("__ksymtab_")?;
        Some((format!("__flags_{name}"), gpl_only.contains(&symbol.value)))
    });
    let exports: Vec<_> = exports.collect();
    let rodata = kernel.sections.iter().position(|s| s.name == ".rodata");
    let rodata = rodata.unwrap();
    for (at, (name, is_gpl_only)) in (0x300..).zip(exports) {
        kernel.sections[rodata].data[at] = is_gpl_only.into();
        let (place, address) = (Place::Section(rodata), RODATA + at as u64);
        kernel.symbol(&name, STB_LOCAL, elf::STT_NOTYPE, place, address, 0);
    }
    kernel
}

/// The same kernel with another version magic.
pub fn with_vermagic(vermagic: &str) -> Elf {
    let mut kernel = vmlinux();
    set_vermagic(&mut kernel, vermagic);
    kernel
}

/// Gives a kernel another version magic.
pub fn set_vermagic(kernel: &mut Elf, vermagic: &str) {
    let rodata = kernel.sections.iter_mut().find(|s| s.name == ".rodata");
    let place = &mut rodata.unwrap().data[0x240..0x2c0];
    place.fill(0);
    place[..vermagic.len()].copy_from_slice(vermagic.as_bytes());
}

/// Adds exports for all modules to a kernel.
pub fn add_exports(kernel: &mut Elf, names: &[&str]) {
    let rodata = kernel.sections.iter().position(|s| s.name == ".rodata");
    let place = Place::Section(rodata.unwrap());
    for (at, name) in (0..).zip(names) {
        let (bind, kind) = (STB_LOCAL, elf::STT_NOTYPE);
        let entry = RODATA + 0x400 + 12 * at;
        kernel.symbol(&format!("__ksymtab_{name}"), bind, kind, place, entry, 12);
        let flags = RODATA + 0x500 + at;
        kernel.symbol(&format!("__flags_{name}"), bind, kind, place, flags, 1);
        kernel.symbol(name, STB_GLOBAL, kind, place, RODATA + 0x600 + at, 8);
    }
}

/// The same kernel, linked so that few names get a suffix.
pub fn reduced() -> Elf {
    let mut kernel = vmlinux();
    for symbol in &mut kernel.symbols {
        let name = match symbol.name.as_str() {
            "init_once.llvm.2222" => "init_once.7",
            "promoted.llvm.9a" => "promoted",
            "promoted.llvm.9a.cold" => "promoted.cold",
            "twin.llvm.77" => "twin.llvm.78",
            "table" => "table.llvm.6",
            "vermagic.llvm.1234" => ".str.3.llvm.1234",
            name => name,
        };
        symbol.name = name.to_owned();
    }
    kernel
}

/// A module with a name that is in its core and in its init section, and one export.
pub fn module() -> Elf {
    let alloc = elf::SHF_ALLOC;
    let code = alloc | elf::SHF_EXECINSTR;
    let mut module = Elf::new(elf::ET_REL);
    module.section(
        ".modinfo",
        alloc,
        b"license=GPL\0name=net_mod\0depends=\0vermagic=6.12.1 SMP mod_unload \0",
    );
    let init = module.section(".init.text", code, &[0x90; 0x100]);
    let text = module.section(".text", code, &[0x90; 0x200]);
    let data = module.section(".data", alloc | elf::SHF_WRITE, &[0; 0x40]);
    let calls = module.section("__mcount_loc", alloc, &[0; 0x10]);
    let ksymtab = module.section("__ksymtab", alloc, &[0; 0x10]);
    let mut add = |name: &str, bind, kind, section, value, size| {
        module.symbol(name, bind, kind, Place::Section(section), value, size)
    };
    add("setup", STB_LOCAL, STT_FUNC, init, 0x10, 0x20);
    add("setup", STB_LOCAL, STT_FUNC, text, 0x100, 0x20);
    let handle = add("handle", STB_LOCAL, STT_FUNC, text, 0x40, 0x20);
    add("quiet", STB_LOCAL, STT_FUNC, text, 0x80, 0x20);
    add("only_init", STB_LOCAL, STT_FUNC, init, 0x40, 0x20);
    add("state.llvm.42", STB_LOCAL, STT_OBJECT, data, 0x8, 8);
    add(
        "__ksymtab_net_export",
        STB_LOCAL,
        elf::STT_NOTYPE,
        ksymtab,
        0,
        0,
    );
    add("net_export", STB_GLOBAL, STT_FUNC, text, 0x180, 0x20);
    module.relocate(calls, 0, handle, elf::R_X86_64_64, 4);
    module.undefined("_printk");
    module
}

/// The kernel and the module as files.
#[derive(Debug)]
pub struct Files {
    /// The directory that they are in, which is removed with this.
    pub directory: TempDir,
}

impl Default for Files {
    fn default() -> Self {
        Self::new()
    }
}

impl Files {
    /// Writes the files.
    pub fn new() -> Self {
        let files = Self {
            directory: TempDir::new().unwrap(),
        };
        files.write("vmlinux", &vmlinux().build());
        files.write("net-mod.ko", &module().build());
        files
    }

    /// Returns the path of a file, which need not be there.
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Writes another file, and the directories that it is in.
    pub fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        path
    }

    /// Opens the kernel and the module.
    pub fn open(&self) -> TargetFiles {
        let modules = [self.path("net-mod.ko")];
        TargetFiles::open(Some(&self.path("vmlinux")), &modules, None).unwrap()
    }
}

/// Runs `f` with the kernel and the module.
pub fn with_target<T>(f: impl FnOnce(&Target<'_>) -> T) -> T {
    let files = Files::new().open();
    f(&Target::load(&files).unwrap())
}

/// Runs `f` with a kernel alone.
pub fn with_kernel<T>(kernel: &Elf, f: impl FnOnce(&Target<'_>) -> T) -> T {
    let files = Files::new();
    let vmlinux = files.write("vmlinux", &kernel.build());
    let files = TargetFiles::open(Some(&vmlinux), &[], None).unwrap();
    f(&Target::load(&files).unwrap())
}

/// Runs `f` with the kernel, the module and a Module.symvers.
pub fn with_symvers<T>(text: &[u8], f: impl FnOnce(&Target<'_>) -> T) -> T {
    let files = Files::new().open();
    let mut symvers = Symvers::default();
    symvers.add("Module.symvers", text).unwrap();
    f(&Target::load(&files).unwrap().with_symvers(symvers))
}
