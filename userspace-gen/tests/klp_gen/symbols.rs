// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The table of a kernel and of a module.

use crate::elf::{Elf, Place};
use crate::kernel::{self, with_target, Files, RODATA, TEXT};
use klp_gen::elf::ElfFile;
use klp_gen::kallsyms::{text, vmlinux};
use klp_gen::resolve::{resolve, trace, Answer, Usable};
use klp_gen::symbols::Entry;
use klp_gen::target::{Target, TargetFiles};
use klp_policy::{ObjName, Policy, Request};
use object::elf::{
    self, SectionFlags, EM_PPC64, EM_X86_64, SHF_ALLOC, SHF_EXECINSTR, SHF_WRITE, SHT_NOBITS,
    STB_LOCAL, STT_FUNC, STT_OBJECT,
};
use object::read::ReadRef;
use std::cell::Cell;
use std::fmt::Write as _;
use std::ops::Range;

fn names(target: &Target<'_>, object: &str) -> Vec<String> {
    let object = ObjName::new(object.as_bytes()).unwrap();
    let symbols = target.object(object).unwrap().symbols.live(Policy::Llvm);
    symbols.map(|(e, _)| e.name.to_string()).collect()
}

#[test]
fn lists_no_symbols_that_mksysmap_removes() {
    let listed = with_target(|t| names(t, "vmlinux"));
    for name in [
        "text_size",
        "weak_undefined",
        "fs/proc/cmdline.c",
        "__crc_alias",
        "__kstrtab__printk",
        ".Llabel",
        "__AArch64Thunk_x",
    ] {
        assert!(!listed.contains(&name.to_owned()), "{name}");
    }
    assert!(listed.contains(&"__ksymtab__printk".to_owned()));
}

#[test]
fn equal_addresses_come_as_in_kallsyms() {
    let listed = with_target(|t| names(t, "vmlinux"));
    let aliases: Vec<_> = listed.iter().filter(|n| n.contains("alia")).collect();
    let expected = [
        "alias_a",
        "alias_c",
        "__alias_b",
        "__start_alias",
        "aliaz_weak",
    ];
    assert_eq!(aliases, expected);
    // Per-CPU offsets come first, and are absolute.
    let per_cpu = [
        "fixed_percpu",
        "__per_cpu_start",
        "cpu_variable",
        "__per_cpu_end",
    ];
    assert_eq!(listed[..4], per_cpu);
}

#[test]
fn letters() {
    with_target(|t| {
        let object = t.object(ObjName::VMLINUX).unwrap();
        let letter = |name: &str| {
            let entry = object.symbols.by_name(name.as_bytes());
            char::from(entry.unwrap().letter)
        };
        assert_eq!(letter("cpu_variable"), 'A');
        assert_eq!(letter("cmdline_proc_show"), 't');
        assert_eq!(letter("_printk"), 'T');
        assert_eq!(letter("aliaz_weak"), 'W');
        assert_eq!(letter("table"), 'd');
        assert_eq!(letter("show.buffer.llvm.5"), 'b');
        assert_eq!(letter("__ksymtab__printk"), 'r');
    });
}

#[test]
fn positions_count_the_cleaned_names_by_address() {
    with_target(|t| {
        let object = t.object(ObjName::VMLINUX).unwrap();
        let found: Vec<_> = object
            .symbols
            .live(Policy::Llvm)
            .filter(|(e, _)| e.name.as_bytes().starts_with(b"init_once"))
            .map(|(e, p)| (e.address - TEXT, p.sympos, p.matches))
            .collect();
        assert_eq!(
            found,
            [(0x100, 1, 4), (0x200, 2, 4), (0x300, 3, 4), (0x400, 4, 4)]
        );
        let exact: Vec<_> = object
            .symbols
            .live(Policy::Exact)
            .filter(|(e, _)| e.name.as_bytes() == b"init_once")
            .map(|(_, p)| (p.sympos, p.matches))
            .collect();
        assert_eq!(exact, [(1, 2), (2, 2)]);
    });
}

#[test]
fn a_kernel_without_kallsyms_all_lists_functions_only() {
    let mut kernel = kernel::vmlinux();
    let count = |kernel: &crate::elf::Elf| {
        let bytes = kernel.build();
        let elf = ElfFile::parse("vmlinux".to_owned(), &bytes[..]).unwrap();
        vmlinux::read(&elf).unwrap().entries().len()
    };
    let place = Place::Section(1);
    let name = "kallsyms_num_syms";
    kernel.symbol(name, STB_LOCAL, STT_OBJECT, place, RODATA + 0x300, 4);
    let mut set = |number: u32| {
        kernel.sections[1].data[0x300..0x304].copy_from_slice(&number.to_le_bytes());
        count(&kernel)
    };
    let all = set(0);
    // A number that fits neither is not believed.
    assert_eq!(set(1), all);
    assert_eq!(set(u32::try_from(all).unwrap()), all);
    let text = (1..all).find(|&n| set(u32::try_from(n).unwrap()) == n);
    assert!(text.is_some_and(|n| (20..all).contains(&n)), "{text:?}");
}

#[test]
fn a_module_loses_its_init_symbols() {
    with_target(|t| {
        let listed = names(t, "net_mod");
        assert_eq!(listed.iter().filter(|n| *n == "setup").count(), 1);
        assert!(!listed.contains(&"only_init".to_owned()));
        assert!(!listed.contains(&"_printk".to_owned()));
        let module = t.object(ObjName::new(b"net_mod").unwrap()).unwrap();
        let letter = |name: &[u8]| char::from(module.symbols.by_name(name).unwrap().letter);
        assert_eq!(letter(b"net_export"), 'T');
        assert_eq!(letter(b"handle"), 't');
        assert_eq!(letter(b"state.llvm.42"), 'd');
    });
}

#[test]
fn what_a_module_loses_depends_on_the_kernel() {
    let listed = |machine, vermagic: &str| {
        let mut module = kernel::module();
        module.machine = machine;
        module.sections[0].data = format!("name=net_mod\0vermagic={vermagic}\0").into_bytes();
        let exit = module.section(".exit.text", SHF_ALLOC | SHF_EXECINSTR, &[0x90; 0x20]);
        let place = Place::Section(exit);
        module.symbol("only_exit", STB_LOCAL, STT_FUNC, place, 0, 0x10);
        let bytes = module.build();
        let elf = ElfFile::parse("net_mod.ko".to_owned(), &bytes[..]).unwrap();
        let table = klp_gen::kallsyms::module::read(&elf).unwrap();
        let live = |name: &[u8]| table.by_name(name).unwrap().live;
        [live(b"only_init"), live(b"only_exit"), live(b"handle")]
    };
    let unloads = "6.12.1 SMP mod_unload ";
    assert_eq!(listed(EM_X86_64, unloads), [false, true, true]);
    assert_eq!(listed(EM_X86_64, "6.12.1 SMP "), [false, false, true]);
    // module_init_section() in arch/powerpc/kernel/module_64.c
    assert_eq!(listed(EM_PPC64, unloads), [true, true, true]);
}

#[test]
fn a_name_is_resolved_as_livepatch_does() {
    with_target(|t| {
        let ask = |query: &str| {
            let request = Request::parse(query.as_bytes()).unwrap();
            match resolve(t, Policy::Llvm, &request) {
                Answer::Resolved { entry, .. } => format!("{:#x}", entry.address & 0xffff),
                answer => answer.status().to_owned(),
            }
        };
        for (query, answer) in [
            ("init_once", "ambiguous"),
            ("init_once,2", "0x300"),
            ("init_once,3", "no-such-position"),
            ("init_once.llvm.*,2", "0x200"),
            ("init_once.llvm.1111", "0x400"),
            ("promoted", "0x600"),
            ("promoted.llvm.ffff", "not-found"),
            ("promoted.cold", "0x700"),
            ("twin", "0x800"),
            ("twin.llvm.*", "ambiguous"),
            ("nosuch", "not-found"),
            ("net_mod:handle", "0x40"),
            ("net_mod:state", "0x8"),
            ("other_mod:handle", "not-found"),
        ] {
            assert_eq!(ask(query), answer, "{query}");
        }
    });
}

/// The object, address or candidates that a tracer gets.
fn traced(target: &Target<'_>, query: &str) -> String {
    traced_as(target, Usable::Any, query)
}

/// The same for a tracer to which only some symbols are of use.
fn traced_as(target: &Target<'_>, usable: Usable, query: &str) -> String {
    let request = Request::parse(query.as_bytes()).unwrap();
    match trace(target, Policy::Llvm, usable, &request) {
        Answer::Resolved { object, entry, .. } => {
            format!("{object} {:#x}", entry.address & 0xffff)
        }
        Answer::Refused { reason, candidates } => {
            let list = candidates
                .iter()
                .map(|c| format!(" {}:{}", c.position, c.object));
            format!("{reason}{}", list.collect::<String>())
        }
        Answer::NoObject => "no object".to_owned(),
    }
}

#[test]
fn a_tracer_asks_vmlinux_and_all_modules() {
    with_target(|t| {
        for (query, answer) in [
            ("promoted", "vmlinux 0x600"),
            ("promoted.llvm.ffff", "vmlinux 0x600"),
            ("promoted.llvm.9a", "vmlinux 0x600"),
            ("promoted.cold", "vmlinux 0x700"),
            ("twin", "vmlinux 0x800"),
            ("handle", "net_mod 0x40"),
            ("state.llvm.1", "net_mod 0x8"),
            ("net_mod:state", "net_mod 0x8"),
            ("net_mod:promoted", "not-found"),
            ("init_once", "ambiguous 1:vmlinux 2:vmlinux"),
            (
                "init_once.llvm.5",
                "ambiguous 1:vmlinux 2:vmlinux 3:vmlinux 4:vmlinux",
            ),
            ("nosuch.llvm.1", "not-found"),
            ("other_mod:handle", "no object"),
        ] {
            assert_eq!(traced(t, query), answer, "{query}");
        }
    });
}

#[test]
fn what_a_tracer_may_mean_is_counted_over_all_objects() {
    let files = Files::new();
    let text = "ffffffff81000010 t f.llvm.1\nffffffff81000020 t g.llvm.1\n\
                ffffffffc0000030 t f.llvm.2\t[m]\nffffffffc0000040 t g\t[n]\n";
    let path = files.write("kallsyms", text.as_bytes());
    let files = TargetFiles::open(None, &[], Some(&path)).unwrap();
    let target = Target::load(&files).unwrap();
    for (query, answer) in [
        ("f", "ambiguous 1:vmlinux 2:m"),
        ("m:f", "m 0x30"),
        // An exact name wins wherever it is.
        ("g", "n 0x40"),
        ("g.llvm.7", "ambiguous 1:vmlinux 2:n"),
    ] {
        assert_eq!(traced(&target, query), answer, "{query}");
    }
}

#[test]
fn a_tracer_of_functions_passes_over_variables() {
    let files = Files::new();
    // As the namesakes of scripts/guest/tests/namesakes.sh, where the kernel answers.
    let text = "ffffffff81000010 t hidden.llvm.1\nffffffff81000020 t both.llvm.1\n\
                ffffffff81000030 W weak\nffffffff81000040 t one\nffffffff81000048 t two.llvm.1\n\
                ffffffff81000050 t two.llvm.2\nffffffff81000058 t first\nffffffff82000000 d hidden\n\
                ffffffff82000008 D both.llvm.2\nffffffff82000010 V weak\nffffffff82000018 b one\n\
                ffffffff82000020 r two\nffffffff82000028 d data.llvm.5\n\
                ffffffffc0000060 t first.llvm.3\t[m]\nffffffffc0000070 d first\t[m]\n";
    let path = files.write("kallsyms", text.as_bytes());
    let files = TargetFiles::open(None, &[], Some(&path)).unwrap();
    let target = Target::load(&files).unwrap();
    for (query, any, functions) in [
        ("hidden", "vmlinux 0x0", "vmlinux 0x10"),
        ("both", "ambiguous 1:vmlinux 2:vmlinux", "vmlinux 0x20"),
        (
            "both.llvm.9",
            "ambiguous 1:vmlinux 2:vmlinux",
            "vmlinux 0x20",
        ),
        ("both.llvm.2", "vmlinux 0x8", "vmlinux 0x20"),
        ("weak", "ambiguous 1:vmlinux 2:vmlinux", "vmlinux 0x30"),
        ("one", "ambiguous 1:vmlinux 2:vmlinux", "vmlinux 0x40"),
        ("two", "vmlinux 0x20", "ambiguous 1:vmlinux 2:vmlinux"),
        ("data", "vmlinux 0x28", "not-found"),
        // An exact function wins over a promoted one, wherever it is.
        ("first", "ambiguous 1:vmlinux 2:m", "vmlinux 0x58"),
        ("m:first", "m 0x70", "m 0x60"),
    ] {
        assert_eq!(traced(&target, query), any, "{query}");
        let found = traced_as(&target, Usable::Functions, query);
        assert_eq!(found, functions, "{query}");
    }
}

#[test]
fn a_running_kernel_says_the_same() {
    let text = with_target(|t| {
        let mut text = String::new();
        for object in t.objects() {
            for (e, _) in object.symbols.live(Policy::Llvm) {
                let address = e.address;
                let letter = char::from(e.letter);
                write!(text, "{address:016x} {letter} {}", e.name).unwrap();
                if !object.name.is_vmlinux() {
                    write!(text, "\t[{}]", object.name).unwrap();
                }
                text.push('\n');
            }
        }
        text
    });
    let with_noise = format!(
        "{text}ffffffffc0000000 u _printk\t[net_mod]\n\
         ffffffffc0001000 t bpf_prog_1\t[bpf]\n\
         ffffffffc0002000 t ftrace_trampoline\t[__builtin__ftrace]\n"
    );
    let directory = tempfile::TempDir::new().unwrap();
    let path = directory.path().join("kallsyms");
    std::fs::write(&path, with_noise).unwrap();
    let files = TargetFiles::open(None, &[], Some(&path)).unwrap();
    let running = Target::load(&files).unwrap();
    assert_eq!(running.objects().len(), 2);
    with_target(|t| {
        assert_eq!(names(t, "vmlinux"), names(&running, "vmlinux"));
        assert_eq!(names(t, "net_mod"), names(&running, "net_mod"));
    });
}

#[test]
fn a_vmlinux_with_debug_information_only_says_the_same() {
    let letters = |image: &crate::elf::Elf| -> Vec<_> {
        let bytes = image.build();
        let elf = ElfFile::parse("vmlinux".to_owned(), &bytes[..]).unwrap();
        let table = vmlinux::read(&elf).unwrap();
        let letter = |e: &Entry<'_>| (e.name.to_string(), char::from(e.letter));
        table.entries().iter().map(letter).collect()
    };
    let mut image = kernel::vmlinux();
    let bss = image.section(".bss", SHF_ALLOC | SHF_WRITE, &[]);
    image.sections[bss].kind = SHT_NOBITS;
    image.symbol(
        "zero",
        STB_LOCAL,
        STT_OBJECT,
        Place::Section(bss),
        RODATA,
        8,
    );
    let whole = letters(&image);
    assert!(whole.contains(&("zero".to_owned(), 'b')));
    // objcopy --only-keep-debug
    let loaded = image.sections.iter_mut();
    for section in loaded.filter(|s| s.flags.contains(SHF_ALLOC)) {
        section.size = section.size.max(section.data.len() as u64);
        section.kind = SHT_NOBITS;
    }
    assert_eq!(letters(&image), whole);
}

/// The bytes of a file, and whether any were read of one part of it.
#[derive(Clone, Copy)]
struct Watched<'d> {
    bytes: &'d [u8],
    part: &'d Range<u64>,
    read: &'d Cell<bool>,
}

impl Watched<'_> {
    fn note(self, offset: u64, size: usize) {
        let end = offset.saturating_add(size as u64);
        if size > 0 && offset < self.part.end && self.part.start < end {
            self.read.set(true);
        }
    }
}

impl<'d> ReadRef<'d> for Watched<'d> {
    fn len(self) -> Result<u64, ()> {
        self.bytes.len().try_into().map_err(drop)
    }

    fn read_bytes_at(self, offset: u64, size: u64) -> Result<&'d [u8], ()> {
        let found = self.bytes.read_bytes_at(offset, size)?;
        self.note(offset, found.len());
        Ok(found)
    }

    fn read_bytes_at_until(self, range: Range<u64>, delimiter: u8) -> Result<&'d [u8], ()> {
        let start = range.start;
        let found = self.bytes.read_bytes_at_until(range, delimiter)?;
        self.note(start, found.len() + 1);
        Ok(found)
    }
}

/// A kernel with BTF has six times as much debug information as anything else.
#[test]
fn debug_information_is_not_read() {
    let mut image = kernel::vmlinux();
    image.section(".debug_info", SectionFlags(0), &[0xaa; 4096]);
    let bytes = image.build();
    let section = |name: &[u8]| {
        let elf = ElfFile::parse("vmlinux".to_owned(), &bytes[..]).unwrap();
        let section = elf.section_by_name(name).unwrap();
        section.offset..section.offset + section.size
    };
    let touches = |name: &[u8]| {
        let read = Cell::new(false);
        let watched = Watched {
            bytes: &bytes,
            part: &section(name),
            read: &read,
        };
        let elf = ElfFile::parse("vmlinux".to_owned(), watched).unwrap();
        assert!(!vmlinux::read(&elf).unwrap().entries().is_empty());
        read.get()
    };
    assert!(touches(b".symtab") && touches(b".strtab"));
    assert!(!touches(b".debug_info"));
}

#[test]
fn hidden_addresses_are_refused() {
    let error = text::read("kallsyms", b"0000000000000000 T _text\n").unwrap_err();
    assert!(error.to_string().contains("expected addresses"), "{error}");
    let error = text::read("kallsyms", b"ffff T\n").unwrap_err();
    assert!(error.to_string().contains("line 1"), "{error}");
}

/// Returns a table of one symbol at `TEXT`: `offset` is the offset in the table, and `base` is
/// `kallsyms_relative_base`, if the kernel has that.
fn embedded_table(offset: i64, base: Option<u64>) -> Elf {
    const TOKEN: &[u8] = b"T_text\0";
    let mut table = vec![0; 0x400];
    let offset = i32::try_from(offset).unwrap().to_le_bytes();
    for (at, bytes) in [
        (0, &1_u32.to_le_bytes()[..]),
        // The number of tokens, and the token.
        (8, &[1, 0]),
        (0x20, TOKEN),
        (0x300, &offset),
        (0x310, &base.unwrap_or_default().to_le_bytes()),
    ] {
        table[at..at + bytes.len()].copy_from_slice(bytes);
    }
    let mut kernel = Elf::new(elf::ET_EXEC);
    let rodata = kernel.section(".rodata", elf::SHF_ALLOC, &table);
    kernel.sections[rodata].address = RODATA;
    for (name, at) in [
        ("kallsyms_num_syms", 0),
        ("kallsyms_names", 8),
        ("kallsyms_markers", 0x10),
        ("kallsyms_token_table", 0x20),
        ("kallsyms_token_index", 0x100),
        ("kallsyms_offsets", 0x300),
        ("kallsyms_relative_base", 0x310),
    ] {
        if base.is_some() || name != "kallsyms_relative_base" {
            let place = Place::Section(rodata);
            let (bind, kind) = (elf::STB_GLOBAL, elf::STT_NOTYPE);
            kernel.symbol(name, bind, kind, place, RODATA + at, 0);
        }
    }
    kernel
}

#[test]
fn offsets_in_the_embedded_table() {
    let of_itself = 0_i64.wrapping_add_unsigned(TEXT.wrapping_sub(RODATA + 0x300));
    for (offset, base) in [(of_itself, None), (0x40, Some(TEXT - 0x40))] {
        let bytes = embedded_table(offset, base).build();
        let elf = ElfFile::parse("vmlinux".to_owned(), &bytes[..]).unwrap();
        let symbols = klp_gen::kallsyms::embedded::unpack(&elf).unwrap();
        let symbols: Vec<_> = symbols.iter().map(|s| (s.address, &s.name[..])).collect();
        assert_eq!(symbols, [(TEXT, &b"_text"[..])]);
    }
}
