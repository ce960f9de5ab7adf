// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The modules that livepatches name: in a build, made in the same run, or impossible.

use crate::elf::{Elf, Place};
use crate::kernel::{module, Files};
use crate::livepatch::{Func, Livepatch};
use crate::shell::run;
use klp_gen::elf::ElfFile;
use klp_gen::livepatch::Modinfo;
use object::elf::{self, STB_GLOBAL, STB_LOCAL, STT_FUNC, STT_NOTYPE};
use std::fs;

const BUILD: &str = "--modules-order build/modules.order --modules-builtin build/modules.builtin";

/// A build with the module net-mod, in which ext4 is part of vmlinux.
fn files() -> Files {
    let files = Files::new();
    fs::create_dir_all(files.path("build/drivers/net")).unwrap();
    files.write("build/drivers/net/net-mod.ko", &module().build());
    let order = b"drivers/net/net-mod.o\ndrivers/net/other.o\n";
    files.write("build/modules.order", order);
    files.write("build/modules.builtin", b"kernel/fs/ext4/ext4.ko\n");
    files
}

fn of_module(name: &str) -> Livepatch {
    let functions: [Func<'_>; 1] = [("handle", 0)];
    Livepatch::replacing(&[(Some(name), &functions)])
}

/// The exit status, and everything that is printed.
fn modules(livepatch: &Livepatch, options: &str) -> (Option<i32>, String) {
    let files = files();
    files.write("lp.o", &livepatch.build());
    run(&files, &format!("klp-gen modules lp.o {options}"))
}

#[test]
fn a_module_that_is_named_is_found_in_the_build() {
    let found = "build/drivers/net/net-mod.ko\n";
    for livepatch in [
        of_module("net_mod"),
        Livepatch::of("promoted").call(".klp.sym.net_mod.handle,0"),
        Livepatch::of("promoted").call(".klp.sym.net_mod.handle,net.c"),
        Livepatch::kpatch(&[(Some("net_mod"), &[("handle", 0)])], &[]),
        Livepatch::klp_build(".init.", &[(Some("net_mod"), &[("handle", 0)])]),
    ] {
        assert_eq!(modules(&livepatch, BUILD), (Some(0), found.to_owned()));
    }
    let of_vmlinux = Livepatch::of("promoted").call(".klp.sym.vmlinux.twin,0");
    assert_eq!(modules(&of_vmlinux, BUILD), (Some(0), String::new()));
    // What is given is not looked for, and needs no build.
    for file in ["elsewhere/net-mod.ko", "net-mod.ko.debug", "renamed.ko"] {
        let files = files();
        files.write("lp.o", &of_module("net_mod").build());
        files.write("renamed.ko", &module().build());
        let given = run(&files, &format!("klp-gen modules lp.o --module {file}"));
        assert_eq!(given, (Some(0), String::new()), "{file}");
    }
}

#[test]
fn a_list_of_modules_has_paths_from_itself_or_from_here() {
    let files = files();
    files.write("lp.o", &of_module("net_mod").build());
    let directory = files.directory.path().display().to_string();
    for (line, expected) in [
        // As before Linux 6.4.
        ("drivers/net/net-mod.ko", "build/drivers/net/net-mod.ko"),
        ("net-mod.o", "net-mod.ko"),
        (
            &format!("{directory}/sub/net-mod.o"),
            &format!("{directory}/sub/net-mod.ko"),
        ),
    ] {
        files.write("build/modules.order", format!("{line}\n").as_bytes());
        let printed = run(&files, &format!("klp-gen modules lp.o {BUILD}"));
        assert_eq!(printed, (Some(0), format!("{expected}\n")));
    }
    files.write("build/modules.order", b"drivers/net/net-mod.o\nnonsense\n");
    let (status, text) = run(&files, &format!("klp-gen modules lp.o {BUILD}"));
    assert_eq!(status, Some(2), "{text}");
    assert!(text.contains("modules.order: line 2: expected the path of a module"));
}

#[test]
fn a_name_that_no_module_has_is_refused() {
    for (name, expected) in [
        ("net-mod", "no module is called net-mod: "),
        ("net_mod.ko", "(write net_mod)\n"),
        ("drivers/net/net-mod", "(write net_mod)\n"),
        ("vmlinux", "remove .name"),
        (
            "ext4",
            "ext4 is not a module in this build, but part of vmlinux",
        ),
    ] {
        let (status, text) = modules(&of_module(name), BUILD);
        assert_eq!(status, Some(1), "{name}: {text}");
        assert!(text.contains(expected), "{name}: {text}");
        assert!(
            text.contains(&format!("lp.o: klp_object {name}: ")),
            "{text}"
        );
    }
    let reference = ".klp.sym.net-mod.handle,0";
    let (status, text) = modules(&Livepatch::of("promoted").call(reference), BUILD);
    assert_eq!(status, Some(1), "{text}");
    let expected = format!("lp.o: {reference}: no module is called net-mod: ");
    assert!(text.contains(&expected), "{text}");
}

#[test]
fn a_module_that_no_build_has_is_said() {
    for (name, nearest) in [
        ("net_mob", "\n  did you mean net_mod?"),
        ("nowhere_else", ""),
    ] {
        let (status, text) = modules(&of_module(name), BUILD);
        assert_eq!(status, Some(0), "{text}");
        let expected = format!(
            "klp-gen: warning: lp.o: klp_object {name}: no module of that name was built, and its symbols cannot be looked up: correct the name, or give the module's file (--module, or KLP_MODULES for make){nearest}\n"
        );
        assert_eq!(text, expected);
    }
}

#[test]
fn convert_refuses_what_would_never_be_patched() {
    let files = files();
    for name in ["net-mod", "net_mod.ko", "vmlinux"] {
        files.write("lp.ko", &of_module(name).build());
        let convert = "klp-gen convert lp.ko -o never.ko --vmlinux vmlinux --module net-mod.ko -q";
        let (status, text) = run(&files, convert);
        assert_ne!(status, Some(0), "{text}");
        assert!(
            text.contains(&format!("no module is called {name}: ")),
            "{text}"
        );
        assert!(!files.path("never.ko").exists());
        let check = "klp-gen check lp.ko --vmlinux vmlinux --module net-mod.ko -q";
        let (status, text) = run(&files, check);
        assert_eq!(status, Some(1), "{text}");
        assert!(
            text.contains("(klp-gen refuses it, the kernel would not)"),
            "{text}"
        );
    }
    // Such a module can be made, but klp-gen cannot say anything about it.
    files.write("lp.ko", &of_module("net.mod").build());
    let convert = "klp-gen convert lp.ko -o out.ko --vmlinux vmlinux";
    let (status, text) = run(&files, convert);
    assert_eq!(status, Some(0), "{text}");
    assert!(text.contains("its functions were not checked"), "{text}");
}

/// An object as the compiler leaves it: modpost makes `__ksymtab_` symbols of what is in `.export_symbol`.
fn before_modpost() -> Elf {
    let mut object = Elf::new(elf::ET_REL);
    let alloc = elf::SHF_ALLOC;
    let text = object.section(".text", alloc | elf::SHF_EXECINSTR, &[0x90; 0x40]);
    let exports = object.section(".export_symbol", alloc, b"GPL\0NET\0\0\0\0\0\0\0\0\0\0\0");
    let place = Place::Section(exports);
    object.symbol("__export_symbol_helper", STB_LOCAL, STT_NOTYPE, place, 0, 0);
    let place = Place::Section(text);
    let helper = object.symbol("helper", STB_GLOBAL, STT_FUNC, place, 0, 0x20);
    object.symbol("hidden", STB_LOCAL, STT_FUNC, place, 0x20, 0x20);
    object.relocate(exports, 8, helper, elf::R_X86_64_64, 0);
    object
}

fn symvers(files: &Files, options: &str) -> (Option<i32>, String) {
    let command = "klp-gen symvers -o out.symvers --vmlinux vmlinux";
    run(files, &format!("{command} {options} && cat out.symvers"))
}

#[test]
fn what_a_module_of_the_same_run_exports_is_left_to_modpost() {
    let files = files();
    files.write("helper-mod.o", &before_modpost().build());
    let user = Livepatch::of("promoted").call("helper").call("twin");
    files.write("user.o", &user.build());
    let (status, text) = symvers(&files, "user.o");
    assert_eq!(status, Some(1), "{text}");
    let listed = "0x00000000\ttwin\tvmlinux\tEXPORT_SYMBOL\t\n".to_owned();
    let with_it = symvers(&files, "user.o --beside helper-mod.o");
    assert_eq!(with_it, (Some(0), listed.clone()));
    // The other one may be a livepatch as well.
    let mut exporter = Livepatch::of("cmdline_proc_show");
    let place = Place::Section(exporter.text);
    let name = "__export_symbol_helper";
    exporter
        .elf
        .symbol(name, STB_LOCAL, STT_NOTYPE, place, 0, 0);
    files.write("exporter.o", &exporter.build());
    assert_eq!(symvers(&files, "user.o exporter.o"), (Some(0), listed));
    // What is not exported is nobody's business.
    let hidden = Livepatch::of("promoted").call("hidden").build();
    files.write("hidden.o", &hidden);
    let (status, text) = symvers(&files, "hidden.o --beside helper-mod.o");
    assert_eq!(status, Some(1), "{text}");
}

#[test]
fn a_patched_module_of_the_same_run_is_an_object_at_first() {
    let files = files();
    files.write("helper-mod.o", &before_modpost().build());
    let functions: [Func<'_>; 0] = [];
    let livepatch = Livepatch::replacing(&[(Some("helper_mod"), &functions)]);
    let livepatch = livepatch.call("helper").call("hidden");
    files.write("lp.o", &livepatch.build());
    // modpost refuses a symbol that vmlinux exports, and this module, too.
    let listed = symvers(&files, "lp.o --module helper-mod.o --beside helper-mod.o");
    let expected = "0x00000000\thidden\tvmlinux\tEXPORT_SYMBOL\t\n".to_owned();
    assert_eq!(listed, (Some(0), expected));
}

#[test]
fn a_livepatch_does_not_wait_for_the_module_that_it_patches() {
    for (depends, expected) in [
        ("net_mod", ""),
        ("net_mod,other", "other"),
        // modpost writes the file's name.
        ("net-mod,other-mod", "other-mod"),
        ("first,net_mod,other", "first,other"),
        ("other", "other"),
        ("", ""),
    ] {
        let files = files();
        // modpost names every module that exports something that is used.
        let livepatch = of_module("net_mod").call("net_export").with_modinfo(&[
            "livepatch=Y",
            "license=GPL",
            "name=lp",
            &format!("depends={depends}"),
        ]);
        files.write("lp.ko", &livepatch.build());
        let convert = "klp-gen convert lp.ko -o out.ko --vmlinux vmlinux --module net-mod.ko";
        let (status, text) = run(&files, convert);
        assert_eq!(status, Some(0), "{text}");
        let bytes = fs::read(files.path("out.ko")).unwrap();
        let elf = ElfFile::parse("out.ko".to_owned(), &bytes[..]).unwrap();
        let depends = Modinfo::of(&elf).unwrap().get(b"depends");
        assert_eq!(depends, Some(expected.as_bytes()));
    }
}

#[test]
fn a_module_with_a_dash_in_its_file_name_is_depended_on() {
    let files = files();
    let modinfo = [
        "livepatch=Y",
        "license=GPL",
        "name=lp",
        "depends=helper-mod",
    ];
    let livepatch = Livepatch::of("cmdline_proc_show").call("helper");
    let livepatch = livepatch.with_modinfo(&modinfo);
    files.write("lp.ko", &livepatch.build());
    let line = b"0x00000000\thelper\t/build/helper-mod\tEXPORT_SYMBOL_GPL\t\n";
    files.write("Module.symvers", line);
    let convert =
        "klp-gen convert lp.ko -o lp.ko --vmlinux vmlinux --symvers Module.symvers >table";
    assert_eq!(run(&files, convert), (Some(0), String::new()));
}
