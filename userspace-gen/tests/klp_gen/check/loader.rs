// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Refusals of the module loader before any of a module is a livepatch.

use super::{check_bytes, check_patch, messages};
use crate::elf::Place;
use crate::kernel::{module, vmlinux, with_target, Files};
use crate::livepatch::Livepatch;
use klp_gen::check::{check_file, Installed};
use klp_gen::elf::ElfFile;
use klp_gen::target::{Target, TargetFiles};
use klp_policy::Policy;
use object::elf;

/// Returns the messages about a file.
fn said(bytes: &[u8]) -> Vec<String> {
    let report =
        with_target(|t| check_file("lp.ko".to_owned(), bytes, t, Policy::Exact, &[])).unwrap();
    messages(&report, "refused")
}

/// The number of a section, and where its header is.
fn header(bytes: &[u8], name: &str) -> (usize, usize) {
    let elf = ElfFile::parse("lp.ko".to_owned(), bytes).unwrap();
    let start = usize::try_from(elf.header().e_shoff.get(elf.endian())).unwrap();
    let found = elf.section_by_name(name.as_bytes()).unwrap().id.0;
    (found, start + 64 * found)
}

#[test]
fn headers() {
    let good = Livepatch::of("cmdline_proc_show").build();
    assert_eq!(said(&good), [""; 0]);
    let changed = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = good.clone();
        change(&mut bytes);
        said(&bytes)
    };
    assert_eq!(
        changed(&|b| b[0x3a] = 63),
        ["Invalid ELF section header size"]
    );
    assert_eq!(
        changed(&|b| b.truncate(b.len() - 1)),
        ["Invalid ELF section header overflow"]
    );
    assert_eq!(
        changed(&|b| b[0x3e..0x40].copy_from_slice(&[0xff, 0])),
        [format!(
            "Invalid ELF section name index: 255 || e_shstrndx (255) >= e_shnum ({})",
            u16::from_le_bytes([good[0x3c], good[0x3d]])
        )]
    );
    let shoff = header(&good, ".data").1 - 64;
    assert_eq!(
        changed(&|b| b[shoff + 4] = 1),
        ["ELF Spec violation: section 0 type(1)!=SH_NULL or non-zero len or addr"]
    );
    let (text, at) = header(&good, ".text");
    assert_eq!(
        changed(&|b| b[at + 39] = 0x7f),
        [format!(
            "Invalid ELF section in module (section {text} type 1)"
        )]
    );
    assert_eq!(
        changed(&|b| b[at..at + 4].copy_from_slice(&[0xff; 4])),
        [format!(
            "Invalid ELF section name in module (section {text} type 1)"
        )]
    );
    let names = header(&good, ".shstrtab").1;
    assert_eq!(
        changed(&|b| b[names + 4] = 1),
        ["Invalid ELF section name table type: 1"]
    );
    assert_eq!(
        changed(&|b| b[names + 32..names + 40].fill(0)),
        ["empty section name table"]
    );
    assert_eq!(
        changed(&|b| b[names + 32] -= 1),
        ["ELF Spec violation: section name table isn't null terminated"]
    );
    let symtab = header(&good, ".symtab").1;
    assert_eq!(
        changed(&|b| b[symtab + 4] = 1),
        ["lp: module has no symbols (stripped?)"]
    );
    assert_eq!(
        changed(&|b| b[symtab + 40] = 1),
        ["Invalid ELF symbol string table type: 1"]
    );
    assert_eq!(
        changed(&|b| b[symtab + 40] = 0)[0].split('(').next(),
        Some("Invalid ELF sh_link!=SHN_UNDEF")
    );
}

#[test]
fn this_module() {
    let name = ".gnu.linkonce.this_module";
    let with = |change: &dyn Fn(&mut Livepatch, usize)| {
        let mut livepatch = Livepatch::of("cmdline_proc_show");
        let sections = &livepatch.elf.sections;
        let at = sections.iter().position(|s| s.name == name).unwrap();
        change(&mut livepatch, at);
        said(&livepatch.build())
    };
    let once = "module lp: Exactly one .gnu.linkonce.this_module section must exist.";
    assert_eq!(with(&|l, at| l.elf.sections[at].name.clear()), [once]);
    assert_eq!(
        with(&|l, _| _ = l.elf.section(name, elf::SHF_ALLOC, &[0; 64])),
        [once]
    );
    assert_eq!(
        with(&|l, at| l.elf.sections[at].kind = elf::SHT_NOBITS),
        ["module lp: .gnu.linkonce.this_module section must have a size set"]
    );
    assert_eq!(
        with(&|l, at| l.elf.sections[at].flags = elf::SectionFlags(0)),
        ["module lp: .gnu.linkonce.this_module must occupy memory during process execution"]
    );
    assert_eq!(
        with(&|l, _| _ = l.elf.section(".modinfo", elf::SHF_ALLOC, b"name=b\0")),
        ["Only one .modinfo section must exist."]
    );
}

/// In the order of `elf_validity_cache_copy()`, `early_mod_check()` and `simplify_symbols()`.
#[test]
fn what_the_loader_notices_first() {
    // A module of the target says how long its `struct module` is.
    let files = Files::new();
    let mut module = module();
    module.section(".gnu.linkonce.this_module", elf::SHF_ALLOC, &[0; 128]);
    files.write("net-mod.ko", &module.build());
    let opened = files.open();
    let target = Target::load(&opened).unwrap();
    let mut livepatch = Livepatch::of("cmdline_proc_show").call("nobody_has_it");
    let good = livepatch.build();
    let refusals = |bytes: &[u8]| -> Vec<String> {
        let installed = ElfFile::parse("old.ko".to_owned(), &good[..]).unwrap();
        let installed = [Installed::read(&installed).unwrap()];
        let origin = "lp.ko".to_owned();
        let report = check_file(origin, bytes, &target, Policy::Exact, &installed).unwrap();
        report.refusals().map(|(_, r)| r.to_string()).collect()
    };
    let size = "module lp: .gnu.linkonce.this_module section size must match the kernel's built \
                struct module size at run time";
    let exists = "-EEXIST without a log message: a module of that name is installed";
    let unknown = "lp: Unknown symbol nobody_has_it (err -2)";
    assert_eq!(refusals(&good), [size, exists, unknown]);
    livepatch.set_modinfo(&["livepatch=Y", "license=GPL", "name=lp"]);
    let magic = "-ENOEXEC without a log message, unless loading is forced: it has no vermagic";
    let bytes = livepatch.build();
    assert_eq!(refusals(&bytes), [size, magic, exists, unknown]);
}

#[test]
fn version_magic() {
    let with = |magic: &str| {
        let mut livepatch = Livepatch::of("cmdline_proc_show");
        livepatch.set_modinfo(&["livepatch=Y", "license=GPL", "name=lp", magic]);
        messages(&check_patch(&livepatch, Policy::Exact), "refused")
    };
    assert_eq!(with("vermagic=6.12.1 SMP mod_unload "), [""; 0]);
    assert_eq!(
        with("vermagic=6.12.2 SMP mod_unload "),
        ["lp: version magic '6.12.2 SMP mod_unload ' should be '6.12.1 SMP mod_unload '"]
    );
    assert_eq!(
        with("depends="),
        ["-ENOEXEC without a log message, unless loading is forced: it has no vermagic"]
    );
}

#[test]
fn version_magic_of_a_kernel_with_symbol_versions() {
    let files = Files::new();
    let mut kernel = vmlinux();
    for section in &mut kernel.sections {
        let found = section.data.windows(6).position(|w| w == b"6.12.1");
        if let Some(at) = found {
            let magic = b"6.12.1 SMP modversions ";
            section.data[at..at + magic.len()].copy_from_slice(magic);
        }
    }
    files.write("vmlinux", &kernel.build());
    let opened = TargetFiles::open(Some(&files.path("vmlinux")), &[], None).unwrap();
    let target = Target::load(&opened).unwrap();
    let with = |magic: &str, versions: bool| {
        let mut livepatch = Livepatch::of("cmdline_proc_show");
        livepatch.set_modinfo(&["livepatch=Y", "license=GPL", "name=lp", magic]);
        if versions {
            livepatch.elf.section("__versions", elf::SHF_ALLOC, &[]);
        }
        let bytes = livepatch.build();
        let report = check_file("lp.ko".to_owned(), &bytes, &target, Policy::Exact, &[]).unwrap();
        let warnings = messages(&report, "warning");
        assert!(warnings[0].contains("were not checked"), "{warnings:?}");
        messages(&report, "refused").len()
    };
    // same_magic() leaves the release to the versions, if the livepatch has any.
    assert_eq!(with("vermagic=6.12.2 SMP modversions ", true), 0);
    assert_eq!(with("vermagic=6.12.2 SMP modversions ", false), 1);
    assert_eq!(with("vermagic=6.12.1 modversions ", true), 1);
}

#[test]
fn a_module_of_another_kernel_among_the_targets() {
    let files = Files::new();
    let mut module = module();
    module.sections[0].data = b"name=net_mod\0vermagic=6.11 \0".to_vec();
    files.write("net-mod.ko", &module.build());
    let opened = files.open();
    let target = Target::load(&opened).unwrap();
    let bytes = Livepatch::of("cmdline_proc_show").build();
    let report = check_file("lp.ko".to_owned(), &bytes, &target, Policy::Exact, &[]).unwrap();
    let warnings = messages(&report, "warning");
    assert_eq!(warnings.len(), 1);
    assert!(
        warnings[0].starts_with("is for '6.11 ', while "),
        "{warnings:?}"
    );
}

#[test]
fn licence_and_namespaces() {
    let with = |strings: &[&str], symbol: &str| {
        let livepatch = Livepatch::empty().with_modinfo(strings).call(symbol);
        check_patch(&livepatch, Policy::Exact)
    };
    let gpl = ["name=lp", "livepatch=Y", "license=Dual BSD/GPL"];
    let closed = ["name=lp", "livepatch=Y", "license=Proprietary"];
    assert_eq!(messages(&with(&gpl, "_printk"), "refused"), [""; 0]);
    let report = with(&closed, "_printk");
    assert_eq!(
        messages(&report, "refused"),
        [
            "lp: Unknown symbol klp_enable_patch (err -2)",
            "vmlinux exports it for GPL modules only"
        ]
    );
    assert!(messages(&report, "warning")[0].starts_with("license 'Proprietary' taints"));
    assert_eq!(
        messages(&with(&gpl, "gpl_in_namespace"), "refused"),
        [
            "lp: module uses symbol (gpl_in_namespace) from namespace NET_PRIVATE, but does not \
          import it."
        ]
    );
    let other = [gpl[0], gpl[1], gpl[2], "import_ns=NET_PRIVATE_2"];
    assert_eq!(
        messages(&with(&other, "gpl_in_namespace"), "refused").len(),
        1
    );
    let imports = [gpl[0], gpl[1], gpl[2], "import_ns=NET_PRIVATE"];
    assert_eq!(
        messages(&with(&imports, "gpl_in_namespace"), "refused"),
        [""; 0]
    );
}

#[test]
fn symbols_and_sections() {
    let with = |change: &dyn Fn(&mut Livepatch)| {
        let mut livepatch = Livepatch::of("cmdline_proc_show");
        change(&mut livepatch);
        messages(&check_patch(&livepatch, Policy::Exact), "refused")
    };
    let add = |l: &mut Livepatch, place| {
        let symbol = ("odd", elf::STB_LOCAL, elf::STT_OBJECT);
        l.elf.symbol(symbol.0, symbol.1, symbol.2, place, 0, 8);
    };
    assert_eq!(
        with(&|l| add(l, Place::Special(elf::SHN_COMMON.0))),
        ["lp: please compile with -fno-common"]
    );
    let far = with(&|l| add(l, Place::Special(0x4000)));
    assert!(
        far[0].starts_with("lp: Symbol odd has an invalid section index 16384 (max "),
        "{far:?}"
    );
    let extended = with(&|l| add(l, Place::Special(elf::SHN_XINDEX.0)));
    assert!(extended[0].contains("index 65535"), "{extended:?}");
    let both = elf::SHF_ALLOC | elf::SHF_WRITE | elf::SHF_EXECINSTR;
    let writable_code = with(&|l| _ = l.elf.section(".wx", both, &[0; 8]));
    assert!(
        writable_code[0].starts_with("lp: section .wx (index "),
        "{writable_code:?}"
    );
    assert!(writable_code[0].ends_with(") has invalid WRITE|EXEC flags"));
    // The null section is looked at like any other.
    let mut bytes = Livepatch::of("cmdline_proc_show").build();
    let headers = usize::try_from(u64::from_le_bytes(bytes[40..48].try_into().unwrap())).unwrap();
    bytes[headers + 8] = 5;
    assert_eq!(
        messages(&check_bytes(&bytes, Policy::Exact), "refused"),
        ["lp: section  (index 0) has invalid WRITE|EXEC flags"]
    );
}

/// A livepatch that nothing starts is loaded all the same.
#[test]
fn a_livepatch_that_patches_nothing() {
    let warned =
        |livepatch: &Livepatch| messages(&check_patch(livepatch, Policy::Exact), "warning");
    let section = |livepatch: &Livepatch, name| {
        let mut sections = livepatch.elf.sections.iter();
        sections.position(|s| s.name == name).unwrap()
    };
    let livepatch = Livepatch::of("cmdline_proc_show");
    assert_eq!(warned(&livepatch), [""; 0]);
    let module = section(&livepatch, ".gnu.linkonce.this_module");
    let mut uncalled = livepatch.clone();
    uncalled.elf.sections[module]
        .relocations
        .retain(|r| r.offset != 8);
    assert_eq!(
        warned(&uncalled),
        ["has no init function: the kernel loads it, and it patches nothing (add module_init())"]
    );
    let mut idle = livepatch.clone();
    let text = idle.text;
    idle.elf.sections[text].relocations.clear();
    assert_eq!(
        warned(&idle),
        ["does not call klp_enable_patch(): the kernel loads it, and it patches nothing"]
    );
}

#[test]
fn a_struct_module_that_the_loader_cannot_use() {
    let livepatch = Livepatch::of("cmdline_proc_show");
    let mut sections = livepatch.elf.sections.iter();
    let module = sections.position(|s| s.name == ".gnu.linkonce.this_module");
    let module = module.unwrap();
    let mut nameless = livepatch.clone();
    nameless.elf.sections[module].data = vec![0; 128];
    let refused = messages(&check_patch(&nameless, Policy::Exact), "refused");
    let expected = "attempted to be registered with empty name!";
    assert!(refused.iter().any(|said| said == expected), "{refused:?}");
    let mut read_only = livepatch.clone();
    read_only.elf.sections[module].flags = elf::SHF_ALLOC;
    assert_eq!(
        messages(&check_patch(&read_only, Policy::Exact), "refused"),
        [".gnu.linkonce.this_module is not writable"]
    );
}
