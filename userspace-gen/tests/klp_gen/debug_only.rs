// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Files of debug packages, which have no contents: what they do not tell is not taken for empty.

use crate::elf::Elf;
use crate::kernel::{module, vmlinux, Files};
use crate::livepatch::Livepatch;
use crate::shell;
use klp_gen::check::{check_file, Finding, Installed, Report};
use klp_gen::convert::references::References;
use klp_gen::convert::{convert, Conversion};
use klp_gen::elf::ElfFile;
use klp_gen::target::{Target, TargetFiles};
use klp_policy::Policy;
use object::elf;
use std::path::PathBuf;

/// The tool that made the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tool {
    /// `objcopy --only-keep-debug`
    Objcopy,
    /// `eu-strip -f`, which leaves no relocations.
    EuStrip,
}

/// Returns the file that a tool leaves for the debug package.
fn debug_only(file: &Elf, tool: Tool) -> Vec<u8> {
    let mut stripped = file.clone();
    for section in &mut stripped.sections {
        if section.flags.contains(elf::SHF_ALLOC) && section.kind != elf::SHT_NOBITS {
            section.size = section.data.len() as u64;
            section.kind = elf::SHT_NOBITS;
        }
    }
    let mut bytes = stripped.build();
    if tool == Tool::EuStrip {
        let relocations = |kind| kind == elf::SHT_RELA;
        without_contents(&mut bytes, |_, kind| relocations(kind));
    }
    bytes
}

/// Takes the contents from sections, by name and type.
fn without_contents(bytes: &mut [u8], which: impl Fn(&[u8], elf::SectionType) -> bool) {
    let headers: Vec<usize> = {
        let elf = ElfFile::parse("file".to_owned(), &*bytes).unwrap();
        let start = elf.header().e_shoff.get(elf.endian());
        let sections = elf.sections().filter(|s| which(s.name, s.kind));
        let at = |id: usize| usize::try_from(start).unwrap() + 64 * id;
        sections.map(|s| at(s.id.0)).collect()
    };
    for at in headers {
        bytes[at + 4..at + 8].copy_from_slice(&elf::SHT_NOBITS.0.to_le_bytes());
    }
}

fn check_with(files: &TargetFiles, livepatch: &Livepatch) -> Report {
    let target = Target::load(files).unwrap();
    let bytes = livepatch.build();
    check_file("lp.ko".to_owned(), &bytes, &target, Policy::Llvm, &[]).unwrap()
}

/// The verdict on a function of the module.
fn verdict(module: &PathBuf, files: &Files, function: &str) -> &'static str {
    let opened = TargetFiles::open(
        Some(&files.path("vmlinux")),
        std::slice::from_ref(module),
        None,
    );
    let livepatch = Livepatch::replacing(&[(Some("net_mod"), &[(function, 0)])]);
    let report = check_with(&opened.unwrap(), &livepatch);
    let subject = format!("{function},0");
    let found = report.findings.iter().find(|f| f.subject == subject);
    found.unwrap().status()
}

#[test]
fn a_module_lists_the_same_symbols() {
    let files = Files::new();
    let symbols = |module: &str| {
        let script = format!("klp-gen symbols --vmlinux vmlinux --module {module} | grep net_mod");
        let (status, text) = shell::run(&files, &script);
        assert_eq!(status, Some(0), "{text}");
        text
    };
    let whole = symbols("net-mod.ko");
    assert!(
        whole.contains(" d     1/1 state (state.llvm.42)"),
        "{whole}"
    );
    for tool in [Tool::Objcopy, Tool::EuStrip] {
        let bytes = debug_only(&module(), tool);
        // Its file alone says what it is called.
        for name in ["net-mod.ko", "net_mod.ko.debug"] {
            files.write(name, &bytes);
            assert_eq!(symbols(name), whole, "{tool:?} {name}");
        }
    }
}

#[test]
fn a_file_that_does_not_say_which_module_it_is_of_is_refused() {
    let files = Files::new();
    files.write("3f9a.debug", &debug_only(&module(), Tool::Objcopy));
    let command = "klp-gen symbols --vmlinux vmlinux --module 3f9a.debug";
    let (status, text) = shell::run(&files, command);
    assert_eq!(status, Some(2), "{text}");
    let expected = "3f9a.debug: expected a file with the name <module>.ko or <module>.ko.debug";
    assert!(text.contains(expected), "{text}");
    // What has contents says it.
    files.write("3f9a.debug", &module().build());
    let (status, text) = shell::run(&files, command);
    assert_eq!(status, Some(0), "{text}");
}

#[test]
fn a_livepatch_keeps_its_init_symbols() {
    let files = Files::new();
    let mut livepatch = Livepatch::of("promoted").elf;
    let place = crate::elf::Place::Section(1);
    livepatch.sections[1].name = ".init.data".to_owned();
    livepatch.symbol("only_init", elf::STB_LOCAL, elf::STT_OBJECT, place, 0, 1);
    for (name, bytes) in [
        ("whole/lp.ko", livepatch.build()),
        ("objcopy/lp.ko", debug_only(&livepatch, Tool::Objcopy)),
        ("strip/lp.ko", debug_only(&livepatch, Tool::EuStrip)),
    ] {
        files.write(name, &bytes);
        let resolve = format!("klp-gen resolve lp:only_init --vmlinux vmlinux --module {name}");
        let (status, text) = shell::run(&files, &resolve);
        assert_eq!(status, Some(0), "{text}");
    }
}

#[test]
fn what_ftrace_can_trace_is_not_known_without_relocations() {
    let files = Files::new();
    let objcopy = files.write("objcopy/net_mod.ko", &debug_only(&module(), Tool::Objcopy));
    assert_eq!(verdict(&objcopy, &files, "handle"), "ok");
    assert_eq!(verdict(&objcopy, &files, "quiet"), "refused");
    let strip = files.write("strip/net_mod.ko", &debug_only(&module(), Tool::EuStrip));
    assert_eq!(verdict(&strip, &files, "handle"), "unchecked");
    assert_eq!(verdict(&strip, &files, "quiet"), "unchecked");
    // A module without the table has nothing to be traced.
    let mut untraced = module();
    untraced.sections.retain(|s| s.name != "__mcount_loc");
    for symbol in &mut untraced.symbols {
        if let crate::elf::Place::Section(section @ 5..) = &mut symbol.place {
            *section -= 1;
        }
    }
    let untraced = files.write("untraced/net_mod.ko", &debug_only(&untraced, Tool::EuStrip));
    assert_eq!(verdict(&untraced, &files, "handle"), "refused");
}

#[test]
fn a_vmlinux_does_not_tell_what_a_livepatch_is_held_to() {
    let files = Files::new();
    for tool in [Tool::Objcopy, Tool::EuStrip] {
        let path = files.write("vmlinux.debug", &debug_only(&vmlinux(), tool));
        let opened = TargetFiles::open(Some(&path), &[], None).unwrap();
        // It replaces nothing, so that only its version magic could be wrong.
        let mut other = Livepatch::empty();
        other.set_modinfo(&[
            "livepatch=Y",
            "license=GPL",
            "name=lp",
            "vermagic=5.4.0 SMP ",
        ]);
        let report = check_with(&opened, &other);
        let what =
            "does not tell the version magic, the namespaces, and which functions ftrace can trace";
        let unchecked = report.unchecked().filter_map(Finding::message);
        assert!(unchecked.into_iter().any(|why| why == what), "{report:?}");
        let target = Target::load(&opened).unwrap();
        let notes = b"\x04\0\0\0\x04\0\0\0\x03\0\0\0GNU\0\x01\x02\x03\x04";
        let parted = target.parts_from_notes(notes).unwrap();
        assert!(
            parted.ends_with("has no contents, and so no build id"),
            "{parted}"
        );
    }
}

#[test]
fn the_namespace_of_a_modules_export_is_not_known() {
    let files = Files::new();
    let mut exporter = module();
    let strings = exporter.section("__ksymtab_strings", elf::SHF_ALLOC, b"NET\0");
    let (bind, kind) = (elf::STB_LOCAL, elf::STT_OBJECT);
    let place = crate::elf::Place::Section(strings);
    exporter.symbol("__kstrtabns_net_export", bind, kind, place, 0, 4);
    let livepatch = Livepatch::of("promoted").call("net_export");
    let check = |name: &str, bytes: &[u8]| {
        let path = files.write(name, bytes);
        let opened = TargetFiles::open(Some(&files.path("vmlinux")), &[path], None).unwrap();
        let report = check_with(&opened, &livepatch);
        let found = report.findings.iter().find(|f| f.subject == "net_export");
        found.map(|f| (f.status(), f.message().unwrap()))
    };
    let (status, why) = check("whole.ko", &exporter.build()).unwrap();
    assert_eq!(status, "refused");
    assert!(why.contains("from namespace NET"), "{why}");
    let (status, why) = check("debug.ko", &debug_only(&exporter, Tool::Objcopy)).unwrap();
    assert_eq!(
        (status, why.as_str()),
        (
            "unchecked",
            "the exporter's file does not tell the namespace of the export"
        )
    );
}

#[test]
fn a_livepatch_is_read_from_a_file_with_contents() {
    let files = Files::new();
    let opened = files.open();
    let target = Target::load(&opened).unwrap();
    let bytes = debug_only(&Livepatch::of("promoted").elf, Tool::EuStrip);
    let elf = ElfFile::parse("lp.ko.debug".to_owned(), &bytes[..]).unwrap();
    let expected =
        "lp.ko.debug: expected a file with its contents, found one with debug information only";
    let errors = [
        Installed::read(&elf).map(drop),
        References::default()
            .add("lp.ko.debug", &bytes, &target, Policy::Llvm)
            .map(drop),
    ];
    for error in errors {
        let error = error.unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
    }
    // The kernel says no in its own words.
    let report = check_file("lp.ko.debug".to_owned(), &bytes, &target, Policy::Llvm, &[]).unwrap();
    assert!(report.refusals().next().is_some());
    let converted = convert("lp.ko.debug", &bytes, &target, Policy::Llvm).unwrap();
    assert!(
        matches!(converted, Conversion::Rejected(_)),
        "{converted:?}"
    );
}

#[test]
fn a_symbol_table_without_contents_is_no_empty_one() {
    let files = Files::new();
    for (name, file) in [("net-mod.ko", module()), ("vmlinux", vmlinux())] {
        let mut bytes = file.build();
        without_contents(&mut bytes, |section, _| section == b".symtab");
        files.write(name, &bytes);
    }
    for (command, expected) in [
        (
            "symbols --vmlinux vmlinux",
            "vmlinux: expected a symbol table, found one without contents",
        ),
        (
            "symbols --kallsyms k --module net-mod.ko",
            "net-mod.ko: expected a symbol table, found one",
        ),
    ] {
        files.write("k", b"ffffffff81000000 T _text\n");
        let (status, text) = shell::run(&files, &format!("klp-gen {command}"));
        assert_eq!(status, Some(2), "{text}");
        assert!(text.contains(expected), "{text}");
    }
}

#[test]
fn names_without_contents_are_no_empty_names() {
    for (name, expected) in [
        (
            ".strtab",
            "file: symbol name table: expected contents, found none",
        ),
        (
            ".shstrtab",
            "file: section name table: expected contents, found none",
        ),
    ] {
        let mut bytes = module().build();
        without_contents(&mut bytes, |section, _| section == name.as_bytes());
        let error = ElfFile::parse("file".to_owned(), &bytes[..]).unwrap_err();
        assert!(error.to_string().starts_with(expected), "{error}");
    }
}
