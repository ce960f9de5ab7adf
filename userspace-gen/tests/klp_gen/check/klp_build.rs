// SPDX-License-Identifier: GPL-2.0 OR MIT

//! A livepatch that the kernel's own tools made: `scripts/fixtures/klp_build`.

use super::{header_of, messages, set_header, SH_SIZE};
use crate::elf::{self as made, Elf};
use crate::kernel::{add_exports, linux_7_3, set_vermagic, Files};
use crate::livepatch::Livepatch;
use klp_gen::check::{check_file, By, Installed, Outcome, Report, Stage};
use klp_gen::convert::{convert, Conversion};
use klp_gen::elf::ElfFile;
use klp_gen::target::{Target, TargetFiles};
use klp_policy::Policy;
use object::elf::{R_X86_64_PC32, SHF_ALLOC, SHF_WRITE};
use std::fs;
use std::path::Path;

const NOTHING: [&str; 0] = [];

/// The livepatch.
fn built() -> Vec<u8> {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/fixtures");
    fs::read(fixtures.join("klp_build/klp_built.ko")).unwrap()
}

/// A kernel of the livepatch's version magic, which exports what the livepatch's init code uses.
fn kernel() -> Elf {
    let mut kernel = linux_7_3();
    set_vermagic(&mut kernel, "7.3.4 SMP preempt mod_unload ");
    add_exports(
        &mut kernel,
        &[
            "__ref_stack_chk_guard",
            "__stack_chk_fail",
            "__x86_return_thunk",
            "__kmalloc_cache_noprof",
            "__kmalloc_noprof",
            "kfree",
            "klp_find_section_by_name",
            "kmalloc_caches",
        ],
    );
    kernel
}

/// Runs `f` with the kernel and the module that the livepatch patches.
fn with_kernel<T>(f: impl FnOnce(&Target<'_>) -> T) -> T {
    let files = Files::new();
    let vmlinux = files.write("vmlinux", &kernel().build());
    let module = files.write("net_mod.ko", &module().build());
    let files = TargetFiles::open(Some(&vmlinux), &[module], None).unwrap();
    f(&Target::load(&files).unwrap())
}

/// The module for that kernel.
fn module() -> Elf {
    let mut module = crate::kernel::module();
    let modinfo = module.sections.iter_mut().find(|s| s.name == ".modinfo");
    modinfo.unwrap().data =
        b"license=GPL\0name=net_mod\0depends=\0vermagic=7.3.4 SMP preempt mod_unload \0".to_vec();
    module
}

fn report(bytes: &[u8]) -> Report {
    with_kernel(|t| check_file("klp_built.ko".to_owned(), bytes, t, Policy::Exact, &[]).unwrap())
}

/// Returns the bytes with all of `from` replaced by `to`.
fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut bytes = bytes.to_vec();
    let places: Vec<_> = bytes
        .windows(from.len())
        .enumerate()
        .filter_map(|(at, window)| (window == from).then_some(at))
        .collect();
    assert!(!places.is_empty());
    for at in places {
        bytes[at..at + to.len()].copy_from_slice(to);
    }
    bytes
}

#[test]
fn is_accepted() {
    let report = report(&built());
    assert_eq!(messages(&report, "refused"), NOTHING);
    assert_eq!(messages(&report, "unchecked"), NOTHING);
    // The small kernel has promoted symbols of that name.
    let doubt = "position 2 of init_once.llvm.* (counted by cleaned names) is another symbol";
    assert_eq!(messages(&report, "warning"), [doubt]);
    let found = report.findings.iter();
    let found: Vec<_> = found
        .filter_map(|f| match &f.outcome {
            Outcome::Resolved { address, .. } => Some((f.subject.as_str(), *address)),
            _ => None,
        })
        .collect();
    assert_eq!(
        found,
        [
            (".klp.sym.vmlinux.table,0", 0xffff_ffff_8200_0010),
            (".klp.sym.vmlinux.init_once,2", 0xffff_ffff_8100_0300),
            ("cmdline_proc_show,0", 0xffff_ffff_8100_0500),
            (".klp.sym.net_mod.state.llvm.42,0", 8),
            ("handle,0", 0x40),
        ]
    );
}

/// Returns the refusals of a changed file.
fn refused(change: impl FnOnce(&mut Vec<u8>)) -> Vec<String> {
    let mut bytes = built();
    change(&mut bytes);
    messages(&report(&bytes), "refused")
}

#[test]
fn names_and_licence() {
    assert_eq!(
        refused(|b| *b = replaced(b, b"vmlinux.init_once,2", b"vmlinux.init_once,9")),
        ["symbol position 9 for symbol 'init_once' in object 'vmlinux' not found"]
    );
    assert_eq!(
        refused(|b| *b = replaced(b, b"\0license=GPL\0", b"\0license=BSD\0")),
        [
            "klp_built: Unknown symbol __fentry__ (err -2)",
            "vmlinux exports it for GPL modules only",
            "klp_built: Unknown symbol klp_enable_patch (err -2)",
            "vmlinux exports it for GPL modules only",
        ]
    );
}

/// The init code reads `klp_info` of its module before it calls `klp_enable_patch()`.
#[test]
fn a_module_that_is_not_marked_dies_in_its_init_code() {
    let unmarked = replaced(&built(), b"\0livepatch=Y\0", b"\0livepatch_Y\0");
    let said = report(&unmarked);
    let refused: Vec<_> = said.refusals().collect();
    let [(finding, refusal)] = refused[..] else {
        panic!("{refused:?}");
    };
    assert_eq!(finding.stage, Stage::Objects);
    assert_eq!(refusal.by(), By::KlpGen);
    assert_eq!(
        refusal.to_string(),
        "klp_built has no livepatch=Y in its modinfo: klp_find_section_by_name() in its init code reads \
         through a NULL pointer (add MODULE_INFO(livepatch, \"Y\"))"
    );
    // convert adds livepatch=Y.
    let converted = with_kernel(|t| convert("klp_built.ko", &unmarked, t, Policy::Exact).unwrap());
    assert!(matches!(converted, Conversion::Done(_)), "{converted:?}");
}

/// The type of the compiler's relocation is what makes a tombstone harmless.
#[test]
fn a_tombstone_that_is_used() {
    let said = refused(|b| {
        let header = header_of(b, ".rela.text");
        let start = u64::from_le_bytes(b[header + 24..header + 32].try_into().unwrap());
        let size = u64::from_le_bytes(b[header + 32..header + 40].try_into().unwrap());
        let entries = (start..start + size).step_by(24);
        let mut kinds = entries.map(|at| usize::try_from(at).unwrap() + 8);
        let elf = ElfFile::parse("built".to_owned(), &b[..]).unwrap();
        let names: Vec<_> = elf.symbols().map(|s| (s.id.0, s.name.to_vec())).collect();
        let is_tombstone = |at: &usize| {
            let symbol = u32::from_le_bytes(b[at + 4..at + 8].try_into().unwrap());
            let found = names.iter().find(|(id, _)| *id == symbol as usize);
            found.unwrap().1.starts_with(b".klp.tombstone.table")
        };
        let tombstone = kinds.find(is_tombstone).unwrap();
        b[tombstone] = u8::try_from(R_X86_64_PC32.0).unwrap();
    });
    assert_eq!(
        said,
        [
            ".klp.tombstone.table is a livepatch symbol, but .rela.text is an ordinary relocation section: the \
            loader would write address 0",
            "another relocation writes to the same place",
        ]
    );
}

#[test]
fn objects_that_the_init_code_does_not_find() {
    let nothing = ["klp_built: nothing to patch!"];
    let short = |b: &mut Vec<u8>| {
        set_header(b, ".rela.init.klp_objects", SH_SIZE, &0_u64.to_le_bytes());
        set_header(b, ".init.klp_objects", SH_SIZE, &63_u64.to_le_bytes());
    };
    assert_eq!(refused(short), nothing);
    // Both the name of the section and that of its relocations.
    let renamed = |b: &mut Vec<u8>| *b = replaced(b, b"a.init.klp_objects", b"a.init.klp_others_");
    assert_eq!(refused(renamed), nothing);
    // Kernels before 7.0 look for the other name.
    let old = b"__klp_objects\0\0\0\0";
    let old_section =
        |b: &mut Vec<u8>| *b = replaced(b, b"a.init.klp_objects", &[b"a", &old[..]].concat());
    assert_eq!(refused(old_section), nothing);
    let old_code =
        |b: &mut Vec<u8>| *b = replaced(b, b"\0.init.klp_objects", &[b"\0", &old[..]].concat());
    assert_eq!(refused(old_code), nothing);
    let both = |b: &mut Vec<u8>| *b = replaced(b, b".init.klp_objects", old);
    assert_eq!(refused(both), NOTHING);
    let not_loaded = refused(|b| {
        let flags = header_of(b, ".init.klp_objects") + 8;
        b[flags..flags + 8].fill(0);
    });
    assert_eq!(
        not_loaded,
        ["its init code reads the section of objects, which is not loaded"]
    );
}

/// `movb $1, 0x18(%rdi)`; with `KLP_NO_REPLACE` the compiler writes 0 there.
#[test]
fn replace_is_a_constant_in_the_init_code() {
    const REPLACES: &[u8] = &[0xc6, 0x47, 0x18, 1];
    let mut old = Livepatch::of("mixed").with_states(&[(7, 1)]);
    old.set_modinfo(&["name=old", "vermagic=7.3.4 SMP preempt mod_unload "]);
    let old = old.build();
    let old = ElfFile::parse("old.ko".to_owned(), &old[..]).unwrap();
    let installed = [Installed::read(&old).unwrap()];
    for (code, refused, unchecked) in [
        (REPLACES, 1, 0),
        (&[0xc6, 0x47, 0x18, 0], 0, 0),
        // Without the instruction nobody knows.
        (&[0x90; 4], 0, 1),
    ] {
        let bytes = replaced(&built(), REPLACES, code);
        let report = with_kernel(|t| {
            let name = "klp_built.ko".to_owned();
            check_file(name, &bytes, t, Policy::Exact, &installed).unwrap()
        });
        let incompatible =
            "Livepatch patch (klp_built) is not compatible with the already installed livepatches.";
        let said = messages(&report, "refused");
        assert_eq!(said, vec![incompatible; refused], "{code:x?}");
        assert_eq!(messages(&report, "unchecked").len(), unchecked, "{code:x?}");
    }
}

/// Returns the refusals of a livepatch of `net_mod` that objtool and klp-build made, and that was changed. The section of
/// the objects is given to `change`.
fn with_object(change: impl FnOnce(&mut Livepatch, usize)) -> Vec<String> {
    let objects: &[(Option<&str>, &[_])] = &[(Some("net_mod"), &[("handle", 0)])];
    let mut livepatch = Livepatch::klp_build(".init.", objects);
    let mut sections = livepatch.elf.sections.iter();
    let section = sections.position(|s| s.name == ".init.klp_objects");
    change(&mut livepatch, section.unwrap());
    let report = super::check_patch(&livepatch, Policy::Exact);
    assert_eq!(messages(&report, "unchecked"), NOTHING);
    messages(&report, "refused")
}

/// Adds a section with eight bytes, and returns the section and a symbol at its beginning.
fn add_data(livepatch: &mut Livepatch, name: &str, bytes: [u8; 8]) -> (usize, usize) {
    let flags = SHF_ALLOC | SHF_WRITE;
    let section = livepatch.elf.section(name, flags, &bytes);
    let place = made::Place::Section(section);
    let (bind, kind) = (object::elf::STB_LOCAL, object::elf::STT_OBJECT);
    let symbol = livepatch.elf.symbol("x", bind, kind, place, 0, 8);
    (section, symbol)
}

#[test]
fn callbacks() {
    const POST_UNPATCH: u64 = 40;
    let to_code = with_object(|livepatch, objects| {
        let function = livepatch.new_func;
        livepatch.point(objects, POST_UNPATCH, function, 0);
    });
    assert_eq!(to_code, NOTHING);
    let to_data = with_object(|livepatch, objects| {
        let (_, variable) = add_data(livepatch, ".data.x", [0; 8]);
        livepatch.point(objects, POST_UNPATCH, variable, 0);
    });
    assert_eq!(
        to_data,
        ["one of its callbacks is in .data.x, which does not contain code"]
    );
}

#[test]
fn the_name_of_an_object() {
    let named = |name: &str, is_written: bool| {
        with_object(|livepatch, objects| {
            let (section, symbol) = add_data(livepatch, name, *b"net_mod\0");
            if is_written {
                livepatch.point(section, 0, symbol, 0);
            }
            let relocations = &mut livepatch.elf.sections[objects].relocations;
            relocations.retain(|r| r.offset != 0);
            livepatch.point(objects, 0, symbol, 0);
        })
    };
    assert_eq!(named(".data.x", false), NOTHING);
    assert_eq!(
        named(".init.data.x", false),
        ["the name of a klp_object is in a section that is freed once the module has loaded"]
    );
    assert_eq!(
        named(".data..percpu", false),
        ["the name of a klp_object does not point to anything in the module"]
    );
    let written = named(".data.x", true);
    let expected = "a relocation writes into the name of a klp_object";
    assert!(written.iter().any(|said| said == expected), "{written:?}");
}

/// The init code copies `nr_funcs` functions before anything is checked.
#[test]
fn arrays_that_the_init_code_reads_beyond() {
    const FUNCS: u64 = 8;
    const NR_FUNCS: usize = 56;
    let null = |livepatch: &mut Livepatch, objects: usize| {
        let relocations = &mut livepatch.elf.sections[objects].relocations;
        relocations.retain(|r| r.offset != FUNCS);
    };
    let count = |livepatch: &mut Livepatch, objects: usize, count: u8| {
        livepatch.elf.sections[objects].data[NR_FUNCS] = count;
    };
    assert_eq!(
        with_object(null),
        ["the array of functions of a klp_object_ext does not point to anything in the module"]
    );
    assert_eq!(
        with_object(|livepatch, objects| count(livepatch, objects, 2)),
        ["an array of klp_func_ext is longer than its section: the init code reads beyond it"]
    );
    let empty = with_object(|livepatch, objects| {
        null(livepatch, objects);
        count(livepatch, objects, 0);
    });
    assert_eq!(empty, NOTHING);
}

/// An empty element ends the functions of an object: `klp_for_each_func_static()` reads the copies.
#[test]
fn functions_end_at_an_empty_element() {
    let functions: &[_] = &[("", 0), ("no_such_function", 0)];
    let mut livepatch = Livepatch::klp_build(".init.", &[(None, functions)]);
    let mut sections = livepatch.elf.sections.iter_mut();
    let section = sections.find(|s| s.name == ".init.klp_funcs").unwrap();
    section.relocations.retain(|r| r.offset >= 24);
    let report = super::check_patch(&livepatch, Policy::Exact);
    assert_eq!(messages(&report, "refused"), NOTHING);
}

/// Before `objtool klp post-link`, code refers to weak symbols that nobody defines.
#[test]
fn a_module_before_post_link() {
    let with = |names: &[&str], is_listed: bool| {
        let mut livepatch = Livepatch::of("cmdline_proc_show");
        let undefined = made::UNDEFINED;
        let (bind, kind) = (object::elf::STB_WEAK, object::elf::STT_FUNC);
        for name in names {
            let symbol = livepatch.elf.symbol(name, bind, kind, undefined, 0, 0);
            livepatch.refer(symbol);
        }
        if is_listed {
            livepatch
                .elf
                .section("__klp_relocs.vmlinux", SHF_ALLOC, &[0; 24]);
        }
        livepatch
    };
    let refused =
        |livepatch: &Livepatch| messages(&super::check_patch(livepatch, Policy::Exact), "refused");
    let (tombstone, symbol) = (".klp.tombstone.promoted", ".klp.sym.vmlinux.promoted,0");
    let post_link =
        "stays 0: the livepatch is of klp-build and not complete (run objtool klp post-link)";
    assert_eq!(
        refused(&with(&[tombstone, symbol], true)),
        [tombstone, symbol].map(|name| format!("{name} {post_link}"))
    );
    assert_eq!(
        refused(&with(&[symbol], false)),
        [format!(
            "{symbol} is a weak livepatch symbol that was not converted: it stays 0 (use klp-gen convert)"
        )]
    );
    let livepatch = with(&[tombstone], false);
    assert_eq!(refused(&livepatch), [format!("{tombstone} {post_link}")]);
    let converted = crate::convert::run(&livepatch, Policy::Llvm);
    assert!(converted.is_err(), "{converted:?}");
}

#[test]
fn the_converted_file_is_accepted() {
    let bytes = built();
    for policy in [Policy::Exact, Policy::Llvm] {
        let converted = with_kernel(|t| convert("klp_built.ko", &bytes, t, policy).unwrap());
        let Conversion::Done(converted) = converted else {
            panic!("{converted:?}");
        };
        let report = report(&converted.bytes);
        assert_eq!(messages(&report, "refused"), NOTHING, "{policy}");
    }
}
