// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Conversion, read back with nothing but the `object` crate's own view where it matters.

use crate::elf::UNDEFINED;
use crate::kernel::{with_symvers, with_target};
use crate::livepatch::Livepatch;
use crate::names::header;
use klp_gen::check::{check_file, Report};
use klp_gen::convert::{convert, Conversion, Converted};
use klp_gen::elf::{ElfFile, Place};
use klp_gen::livepatch::{patches, rela_sections, Memory, Modinfo};
use klp_gen::release;
use klp_gen::target::Symvers;
use klp_policy::Policy;

pub fn run(livepatch: &Livepatch, policy: Policy) -> Result<Converted, String> {
    let data = livepatch.build();
    with_target(|t| match convert("lp.ko", &data, t, policy) {
        Ok(Conversion::Done(converted)) => Ok(converted),
        Ok(Conversion::Refused(problems)) => {
            let problems: Vec<_> = problems.iter().map(ToString::to_string).collect();
            Err(problems.join("\n"))
        }
        Ok(Conversion::Rejected(report)) => Err(rejection(&report)),
        Err(error) => Err(format!("error: {error}")),
    })
}

/// The refusals of a result, as one text.
pub fn rejection(report: &Report) -> String {
    let refusals = report.refusals();
    let refusals = refusals.map(|(f, refusal)| format!("rejected: {}: {refusal}", f.subject));
    refusals.collect::<Vec<_>>().join("\n")
}

fn livepatch_symbols(bytes: &[u8]) -> Vec<String> {
    let elf = ElfFile::parse("out.ko".to_owned(), bytes).unwrap();
    elf.symbols()
        .filter(|s| s.place == Place::Livepatch)
        .map(|s| String::from_utf8_lossy(s.name).into_owned())
        .collect()
}

fn modinfo(bytes: &[u8], key: &str) -> Option<String> {
    let elf = ElfFile::parse("out.ko".to_owned(), bytes).unwrap();
    let value = Modinfo::of(&elf).unwrap().get(key.as_bytes());
    value.map(|v| String::from_utf8_lossy(v).into_owned())
}

fn needs_klp_sympos(bytes: &[u8]) -> bool {
    let elf = ElfFile::parse("out.ko".to_owned(), bytes).unwrap();
    let refers = elf
        .symbols()
        .any(|s| s.name == b"klp_sympos_v1" && s.place == Place::Undefined);
    let depends = modinfo(bytes, "depends").is_some_and(|d| d.contains("klp_sympos"));
    assert_eq!(refers, depends);
    refers
}

/// The symbols that references become for `klp_sympos` and for a stock kernel.
const SPELLINGS: &[(&str, &str, &str)] = &[
    ("table", "table,0", "table,0"),
    ("promoted", "promoted.llvm.*,0", "promoted.llvm.9a,0"),
    ("twin", "twin,0", "twin,0"),
    ("show.buffer", "show.buffer,0", "show.buffer,0"),
    (
        "promoted.cold",
        "promoted.cold.llvm.*,0",
        "promoted.llvm.9a.cold,0",
    ),
    ("bump.cnt_2", "bump.cnt_2,0", "bump.cnt_2,0"),
    (
        "init_once.llvm.2222",
        "init_once.llvm.2222,0",
        "init_once.llvm.2222,0",
    ),
    (".klp.sym.vmlinux.init_once,2", "init_once,2", "init_once,2"),
    (
        ".klp.sym.vmlinux.init_once.llvm.*,1",
        "init_once,1",
        "init_once,1",
    ),
    (
        ".klp.sym.vmlinux.init_once.llvm.*,2",
        "init_once.llvm.*,2",
        "init_once.llvm.2222,0",
    ),
    (
        ".klp.sym.vmlinux.init_once.llvm.*,3",
        "init_once.llvm.*,3",
        "init_once,2",
    ),
    (
        ".klp.sym.vmlinux.init_once.llvm.*,4",
        "init_once.llvm.*,4",
        "init_once.llvm.1111,0",
    ),
    (".klp.sym.vmlinux.table.llvm.*,0", "table,0", "table,0"),
    (".klp.sym.vmlinux._printk,0", "_printk,0", "_printk,0"),
    (
        ".klp.sym.vmlinux.cpu_variable,0",
        "cpu_variable,0",
        "cpu_variable,0",
    ),
];

#[test]
fn references_are_spelled_for_the_kernel_that_they_are_for() {
    for &(written, llvm, exact) in SPELLINGS {
        let livepatch = Livepatch::of("cmdline_proc_show").call(written);
        for (policy, spelled) in [(Policy::Llvm, llvm), (Policy::Exact, exact)] {
            let converted = run(&livepatch, policy).unwrap();
            let symbols = livepatch_symbols(&converted.bytes);
            assert_eq!(
                symbols,
                [format!(".klp.sym.vmlinux.{spelled}")],
                "{written}"
            );
            let needs = needs_klp_sympos(&converted.bytes);
            assert_eq!(needs, spelled.contains('*'), "{written}");
        }
    }
}

#[test]
fn references_that_mean_nothing_are_refused() {
    for (written, why) in [
        (
            "nosuch",
            "not exported, and not found in vmlinux or the given",
        ),
        ("init_once", "vmlinux has 2 symbols of that name"),
        (
            ".klp.sym.vmlinux.init_once,9",
            "position 9, but vmlinux has 2",
        ),
        (
            ".klp.sym.vmlinux.init_once.llvm.*,0",
            "vmlinux has 4 symbols",
        ),
        (
            ".klp.sym.vmlinux.nosuch,0",
            "vmlinux has no symbol of that name",
        ),
        (
            ".klp.sym.vmlinux.a,b,0",
            "expected a position or the path of a C file",
        ),
        (".klp.sym.other.handle,0", "other is not among the targets"),
        (".klp.sym.vmlinux.fixed_percpu,0", "has address 0"),
        (
            "promoted.llvm.dead",
            "the hash is of another build: vmlinux has no symbol of that name. Write it without \
             the suffix: promoted\n  1: ffffffff81000600 promoted.llvm.9a",
        ),
        (
            ".klp.sym.vmlinux.init_once.llvm.77,2",
            "the hash is of another build: vmlinux has no symbol of that name. Write it without \
             the suffix: init_once\n  1: ffffffff81000100 init_once",
        ),
        (
            "promotde.llvm.dead",
            "undefined symbol: not exported, and not found in vmlinux or the given modules\n  the name is misspelt, or",
        ),
        ("handle", "no klp_object"),
        (".klp.sym.net_mod.handle,0", "no klp_object"),
    ] {
        let livepatch = Livepatch::of("cmdline_proc_show").call(written);
        let problem = run(&livepatch, Policy::Llvm).unwrap_err();
        assert!(problem.contains(why), "{written}: {problem}");
    }
}

#[test]
fn a_misspelt_name_is_refused_with_the_nearest() {
    for (written, lines) in [
        ("promotde", &["did you mean promoted?"][..]),
        (".klp.sym.vmlinux.tabel,0", &["did you mean table?"]),
        (
            "buffer",
            &[
                "show.buffer is a static variable of a function",
                "show.buffer.llvm.5",
            ],
        ),
        ("from_elswhere", &["did you mean from_elsewhere?"]),
    ] {
        let data = Livepatch::of("cmdline_proc_show").call(written).build();
        let line = b"0x0\tfrom_elsewhere\tdrivers/net/else\tEXPORT_SYMBOL\t\n";
        let answer = with_symvers(line, |t| convert("lp.ko", &data, t, Policy::Llvm));
        let Ok(Conversion::Refused(problems)) = answer else {
            panic!("{written} was converted");
        };
        let text = problems[0].to_string();
        assert!(lines.iter().all(|line| text.contains(line)), "{text}");
    }
    let problem = run(&Livepatch::of("cmdline_proc_shwo"), Policy::Llvm).unwrap_err();
    assert!(
        problem.contains("did you mean cmdline_proc_show?"),
        "{problem}"
    );
}

#[test]
fn candidates_are_named() {
    let livepatch = Livepatch::of("cmdline_proc_show").call("init_once");
    let problem = run(&livepatch, Policy::Llvm).unwrap_err();
    assert!(
        problem.contains("1: ffffffff81000100 init_once"),
        "{problem}"
    );
    assert!(
        problem.contains("2: ffffffff81000300 init_once"),
        "{problem}"
    );
}

/// By the position that is listed, in the place where the name is written.
#[test]
fn what_is_ambiguous_can_be_said_as_the_message_says() {
    let call = |name: &str| Livepatch::of("cmdline_proc_show").call(name);
    for (livepatch, expected) in [
        (call("init_once"), ".klp.sym.vmlinux.init_once,<position>"),
        (
            call(".klp.sym.vmlinux.init_once,0"),
            ".klp.sym.vmlinux.init_once,<position>",
        ),
        (
            call(".klp.sym.vmlinux.init_once.llvm.*,0"),
            ".klp.sym.vmlinux.init_once.llvm.*,<position>",
        ),
        (
            Livepatch::of("init_once"),
            "old_name \"init_once\" with an old_sympos",
        ),
        (
            Livepatch::of("init_once.llvm.*"),
            "old_name \"init_once.llvm.*\" with an old_sympos",
        ),
    ] {
        let problem = run(&livepatch, Policy::Llvm).unwrap_err();
        let expected = format!("choose one by {expected}. To choose by source file");
        assert!(problem.contains(&expected), "{problem}");
        assert!(problem.contains("\n  1: "), "{problem}");
    }
}

#[test]
fn exports_stay_as_they_are() {
    let livepatch = Livepatch::of("cmdline_proc_show")
        .call("_printk")
        .call("table");
    let converted = run(&livepatch, Policy::Llvm).unwrap();
    let elf = ElfFile::parse("out.ko".to_owned(), &converted.bytes[..]).unwrap();
    let sections = rela_sections(&elf).unwrap();
    let count = |name: &[u8]| {
        let section = sections.iter().find(|s| s.section.name == name).unwrap();
        section.relocations().count()
    };
    assert_eq!(count(b".rela.text"), 2);
    assert_eq!(count(b".klp.rela.vmlinux.text"), 1);
    let symvers = b"0x0\tfrom_elsewhere\tdrivers/net/else\tEXPORT_SYMBOL\t\n";
    let mut exports = Symvers::default();
    exports.add("Module.symvers", symvers).unwrap();
    let listed = exports.get(b"from_elsewhere").unwrap();
    assert_eq!(listed.module, b"else");
    assert!(exports.add("Module.symvers", b"nonsense\n").is_err());
}

#[test]
fn what_the_kernel_does_not_load_keeps_its_relocations() {
    let mut livepatch = Livepatch::of("cmdline_proc_show").call("table");
    let table = livepatch.elf.symbols.len() - 1;
    let mut sections = livepatch.elf.sections.iter();
    let debug = sections.position(|s| s.name == ".debug_info").unwrap();
    let kind = object::elf::R_X86_64_64;
    livepatch.elf.relocate(debug, 0, table, kind, 0);
    let converted = run(&livepatch, Policy::Llvm).unwrap();
    let elf = ElfFile::parse("out.ko".to_owned(), &converted.bytes[..]).unwrap();
    let sections = rela_sections(&elf).unwrap();
    let debug = sections
        .iter()
        .find(|s| s.target.name == b".debug_info")
        .unwrap();
    assert_eq!(debug.section.name, b".rela.debug_info");
    assert_eq!(debug.relocations().count(), 1);
}

#[test]
fn a_module_has_its_own_section() {
    let objects: [(Option<&str>, &[_]); 2] = [
        (None, &[("cmdline_proc_show", 0)]),
        (Some("net_mod"), &[("handle", 0)]),
    ];
    let livepatch = Livepatch::replacing(&objects)
        .call("state")
        .call("net_export")
        .call("table");
    let converted = run(&livepatch, Policy::Llvm).unwrap();
    assert_eq!(
        livepatch_symbols(&converted.bytes),
        [
            ".klp.sym.net_mod.state.llvm.*,0",
            ".klp.sym.net_mod.net_export,0",
            ".klp.sym.vmlinux.table,0"
        ]
    );
    let elf = ElfFile::parse("out.ko".to_owned(), &converted.bytes[..]).unwrap();
    let sections = rela_sections(&elf).unwrap();
    let livepatch = sections.iter().filter(|s| s.section.is_livepatch_rela());
    let names: Vec<_> = livepatch.map(|s| s.section.name).collect();
    assert_eq!(
        names,
        [&b".klp.rela.net_mod.text"[..], b".klp.rela.vmlinux.text"]
    );
    // A position that changes when the module has initialized is not to be used.
    for written in [".klp.sym.net_mod.setup,0", ".klp.sym.net_mod.setup,1"] {
        let livepatch = Livepatch::replacing(&objects).call(written);
        let problem = run(&livepatch, Policy::Llvm).unwrap_err();
        assert!(!problem.starts_with("error:"), "{problem}");
        assert!(problem.contains("initializes"), "{problem}");
    }
}

#[test]
fn old_names_decide_whether_klp_sympos_is_needed() {
    for (name, sympos, needs) in [
        ("cmdline_proc_show", 0, false),
        ("promoted", 0, true),
        ("init_once", 2, false),
        ("init_once.llvm.*", 2, true),
        ("init_once.llvm.2222", 0, false),
    ] {
        let livepatch = Livepatch::replacing(&[(None, &[(name, sympos)])]);
        let converted = run(&livepatch, Policy::Llvm).unwrap();
        assert_eq!(needs_klp_sympos(&converted.bytes), needs, "{name}");
    }
}

#[test]
fn old_names_of_another_build_are_refused() {
    for (name, sympos) in [("promoted.llvm.dead", 0), ("promoted.llvm.dead", 1)] {
        let livepatch = Livepatch::replacing(&[(None, &[(name, sympos)])]);
        let problem = run(&livepatch, Policy::Llvm).unwrap_err();
        let expected = "promoted.llvm.dead: the hash is of another build: vmlinux has no symbol";
        assert!(problem.contains(expected), "{problem}");
    }
}

#[test]
fn old_names_are_spelled_for_a_stock_kernel() {
    for (written, spelled) in [
        (("cmdline_proc_show", 0), ("cmdline_proc_show", 0)),
        (("promoted", 0), ("promoted.llvm.9a", 0)),
        (("init_once.llvm.*", 3), ("init_once", 2)),
        (("init_once.llvm.*", 4), ("init_once.llvm.1111", 0)),
    ] {
        let livepatch = Livepatch::replacing(&[(None, &[written])]);
        let converted = run(&livepatch, Policy::Exact).unwrap();
        let elf = ElfFile::parse("out.ko".to_owned(), &converted.bytes[..]).unwrap();
        let rela = rela_sections(&elf).unwrap();
        let patches = patches(&Memory::new(&elf, &rela, release::DEFAULT));
        let function = patches[0].objects[0].functions[0];
        assert_eq!(function.old_name, Some(spelled.0.as_bytes()));
        assert_eq!(function.old_sympos, spelled.1);
    }
}

#[test]
fn convert_preserves_all_other_sections() {
    let livepatch = Livepatch::of("cmdline_proc_show")
        .call("table")
        .call("_printk");
    let before = livepatch.build();
    let converted = run(&livepatch, Policy::Llvm).unwrap();
    let old = ElfFile::parse("in.ko".to_owned(), &before[..]).unwrap();
    let new = ElfFile::parse("out.ko".to_owned(), &converted.bytes[..]).unwrap();
    assert!(new.section_by_name(b".llvm_addrsig").is_none());
    let changed: [&[u8]; 4] = [b".symtab", b".strtab", b".shstrtab", b".rela.text"];
    for section in old.sections().filter(|s| s.name != b".llvm_addrsig") {
        let same = new.section_by_name(section.name).unwrap();
        assert_eq!(section.kind, same.kind);
        assert_eq!(section.flags, same.flags);
        assert_eq!(section.align, same.align);
        assert_eq!(section.entsize, same.entsize);
        // Symbols were renumbered with the section of .llvm_addrsig.
        if !changed.contains(&section.name) && !section.name.starts_with(b".rela") {
            assert_eq!(
                old.section_data(&section).unwrap(),
                new.section_data(&same).unwrap()
            );
        }
    }
    // Local symbols first, and the table says how many there are.
    let symtab = new.section_by_name(b".symtab").unwrap();
    let local = |s: &klp_gen::elf::Symbol<'_>| s.bind == object::elf::STB_LOCAL;
    let first_global = new.symbols().find(|s| !local(s)).unwrap().id.0;
    assert_eq!(symtab.info as usize, first_global);
    assert!(new.symbols().skip(first_global - 1).all(|s| !local(&s)));
}

#[test]
fn the_result_is_the_same_each_time_and_converting_it_again_changes_nothing_that_counts() {
    let livepatch = Livepatch::of("promoted").call("promoted").call("table");
    let once = run(&livepatch, Policy::Llvm).unwrap().bytes;
    assert_eq!(once, run(&livepatch, Policy::Llvm).unwrap().bytes);
    let again = with_target(|t| {
        let result = convert("lp.ko", &once, t, Policy::Llvm);
        match result.unwrap() {
            Conversion::Done(converted) => converted.bytes,
            other => panic!("{other:?}"),
        }
    });
    assert_eq!(livepatch_symbols(&once), livepatch_symbols(&again));
    assert_eq!(modinfo(&again, "depends").as_deref(), Some("klp_sympos"));
}

#[test]
fn a_module_that_does_not_say_so_becomes_a_livepatch() {
    let livepatch = Livepatch::of("cmdline_proc_show").call("table");
    let livepatch = livepatch.with_modinfo(&["name=lp", "depends=other", "license=GPL"]);
    let converted = run(&livepatch, Policy::Llvm).unwrap();
    assert_eq!(modinfo(&converted.bytes, "livepatch").as_deref(), Some("Y"));
    assert_eq!(
        modinfo(&converted.bytes, "depends").as_deref(),
        Some("other")
    );
    let promoted = run(&livepatch.call("promoted"), Policy::Llvm).unwrap();
    let depends = modinfo(&promoted.bytes, "depends");
    assert_eq!(depends.as_deref(), Some("other,klp_sympos"));
    assert_eq!(modinfo(&promoted.bytes, "license").as_deref(), Some("GPL"));
}

/// A livepatch with a weak reference.
fn weak(name: &str) -> Livepatch {
    let mut livepatch = Livepatch::of("cmdline_proc_show");
    let kind = object::elf::STT_NOTYPE;
    let symbol = livepatch
        .elf
        .symbol(name, object::elf::STB_WEAK, kind, UNDEFINED, 0, 0);
    livepatch.refer(symbol);
    livepatch
}

#[test]
fn a_weak_reference_means_what_another_means() {
    for (written, symbol) in [
        ("table", ".klp.sym.vmlinux.table,0"),
        ("promoted", ".klp.sym.vmlinux.promoted.llvm.*,0"),
        (
            ".klp.sym.vmlinux.init_once,2",
            ".klp.sym.vmlinux.init_once,2",
        ),
    ] {
        let converted = run(&weak(written), Policy::Llvm).unwrap();
        assert_eq!(livepatch_symbols(&converted.bytes), [symbol], "{written}");
        let elf = ElfFile::parse("out.ko".to_owned(), &converted.bytes[..]).unwrap();
        assert!(!elf.symbols().any(|s| s.is_weak()), "{written}");
    }
    for (written, why) in [
        ("init_once", "vmlinux has 2 symbols of that name"),
        ("promoted.llvm.dead", "the hash is of another build"),
        ("handle", "no klp_object"),
        (
            ".klp.sym.vmlinux.nosuch,0",
            "vmlinux has no symbol of that name",
        ),
        (
            ".klp.sym.vmlinux.nosuch,fs/inode.c",
            "the names of source files without directories",
        ),
        (".klp.sym.vmlinux.table", "expected .klp.sym.<objname>"),
        (".klp.sym.other.handle,0", "other is not among the targets"),
    ] {
        let problem = run(&weak(written), Policy::Llvm).unwrap_err();
        assert!(problem.contains(why), "{written}: {problem}");
    }
    // The module loader resolves it, and nobody has a doubt.
    let exported = run(&weak("_printk"), Policy::Llvm).unwrap();
    assert_eq!(livepatch_symbols(&exported.bytes), [""; 0]);
    assert!(exported.report.findings.iter().all(|f| f.status() == "ok"));
    // What nobody has stays 0, which the author may test for.
    let nobody = run(&weak("nosuch"), Policy::Llvm).unwrap();
    let warnings = nobody.report.findings.iter().flat_map(|f| &f.warnings);
    assert_eq!(
        warnings.collect::<Vec<_>>(),
        ["it is weak and stays 0, since it is not exported"]
    );
}

/// Each is refused by `check`, too, with the same words.
#[test]
fn refuses_to_write_livepatches_that_the_kernel_refuses() {
    let of = || Livepatch::of("cmdline_proc_show").call("table");
    let listed = b"0x0\text_fn\tdrivers/ext\tEXPORT_SYMBOL_GPL\t\n\
        0x0\tns_fn\tdrivers/dep\tEXPORT_SYMBOL\tPRIVATE\n";
    let mut other_build = of();
    other_build.set_modinfo(&["livepatch=Y", "license=GPL", "vermagic=6.11.0 "]);
    let mut no_magic = of();
    no_magic.set_modinfo(&["livepatch=Y", "license=GPL"]);
    let mut both_ways = of();
    let flags = object::elf::SHF_ALLOC | object::elf::SHF_WRITE | object::elf::SHF_EXECINSTR;
    both_ways.elf.section(".wx", flags, &[0; 8]);
    let mut twice = of();
    twice
        .elf
        .section(".modinfo", object::elf::SHF_ALLOC, b"name=lp\0");
    let mut old_relocations = of();
    let rel = old_relocations
        .elf
        .section(".rel.x", object::elf::SHF_ALLOC, &[]);
    old_relocations.elf.sections[rel].kind = object::elf::SHT_REL;
    let mut old_relocations = old_relocations.build();
    let sh_info = header(&old_relocations, b".rel.x") + 44;
    old_relocations[sh_info] = 1;
    let linked = |s: &crate::elf::Sec| s.name == ".gnu.linkonce.this_module";
    let mut object = of();
    let this_module = object.elf.sections.iter().position(linked).unwrap();
    object.elf.sections[this_module].name = ".other".to_owned();
    let depending = of().with_modinfo(&["name=lp", "license=GPL", "depends=dep"]);
    for (data, why) in [
        (
            Livepatch::of("noinstr_function").build(),
            "failed to find location for function",
        ),
        (other_build.build(), "version magic '6.11.0 ' should be"),
        (no_magic.build(), "it has no vermagic"),
        (
            of().with_modinfo(&["license=Proprietary", "depends="])
                .build(),
            "Unknown symbol klp_enable_patch (err -2)",
        ),
        (
            of().call("gpl_in_namespace").build(),
            "from namespace NET_PRIVATE, but does not import it",
        ),
        (
            of().call("ext_fn").build(),
            "Unknown symbol ext_fn (err -2)",
        ),
        (
            depending.call("ns_fn").build(),
            "from namespace PRIVATE, but does not import it",
        ),
        (both_ways.build(), "has invalid WRITE|EXEC flags"),
        (twice.build(), "Only one .modinfo section must exist."),
        (old_relocations, "REL relocation unsupported"),
        (
            object.build(),
            "Exactly one .gnu.linkonce.this_module section must exist.",
        ),
    ] {
        with_symvers(listed, |target| {
            let answer = convert("lp.ko", &data, target, Policy::Llvm).unwrap();
            let Conversion::Rejected(report) = answer else {
                panic!("{why}: {answer:?}");
            };
            let refusals: Vec<_> = report.refusals().map(|(_, why)| why.to_string()).collect();
            assert!(refusals[0].contains(why), "{refusals:?}");
            let checked = check_file("lp.ko".to_owned(), &data, target, Policy::Llvm, &[]);
            let checked = checked.unwrap();
            let mut unconverted = checked.refusals().map(|(_, why)| why.to_string());
            assert!(unconverted.any(|r| r.contains(why)), "{why}: {checked:?}");
        });
    }
}

/// The kernel does not look at most of `e_ident`.
#[test]
fn converts_files_with_an_e_ident_that_the_kernel_ignores() {
    let mut data = Livepatch::of("cmdline_proc_show").call("table").build();
    data[4] = 1;
    let answer = with_target(|t| convert("lp.ko", &data, t, Policy::Llvm).unwrap());
    let Conversion::Done(converted) = answer else {
        panic!("{answer:?}");
    };
    assert_eq!(
        livepatch_symbols(&converted.bytes),
        [".klp.sym.vmlinux.table,0"]
    );
}
