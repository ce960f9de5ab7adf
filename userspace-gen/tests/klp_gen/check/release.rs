// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Differences between kernel releases. Each file is judged for a kernel of 6.12 and for one of 7.3.

use super::{check_bytes, header_of, messages, set_header, SH_OFFSET, SH_SIZE, SH_TYPE};
use crate::elf::{Place, LIVEPATCH};
use crate::kernel::{linux_7_3, vmlinux, with_kernel, with_vermagic, VERMAGIC, VERMAGIC_7_3};
use crate::livepatch::Livepatch;
use klp_gen::check::{check_file, Outcome, Report};
use klp_gen::release::{Number, Release, DEFAULT, KNOWN};
use klp_policy::Policy;
use object::elf::{self, STB_GLOBAL, STB_LOCAL, STT_NOTYPE, STT_OBJECT};

/// Returns the reports on a livepatch, for a kernel of 6.12 and for one of 7.3.
fn both(livepatch: &Livepatch) -> [Report; 2] {
    [VERMAGIC, VERMAGIC_7_3].map(|vermagic| report(&bytes(livepatch, vermagic, &[]), vermagic))
}

/// Returns the file of a livepatch for a kernel of a version magic, with more strings in its modinfo.
fn bytes(livepatch: &Livepatch, vermagic: &str, more: &[&str]) -> Vec<u8> {
    let vermagic = format!("vermagic={vermagic}");
    let strings = [
        "livepatch=Y",
        "license=GPL",
        "name=lp",
        "depends=",
        &vermagic,
    ];
    let mut livepatch = livepatch.clone();
    livepatch.set_modinfo(&[&strings, more].concat());
    livepatch.build()
}

fn report(bytes: &[u8], vermagic: &str) -> Report {
    let kernel = if vermagic == VERMAGIC {
        vmlinux()
    } else {
        linux_7_3()
    };
    with_kernel(&kernel, |t| {
        check_file("lp.ko".to_owned(), bytes, t, Policy::Exact, &[]).unwrap()
    })
}

/// Returns what is said to a livepatch that is refused on both.
fn refusals(livepatch: &Livepatch) -> [Vec<String>; 2] {
    both(livepatch).map(|report| messages(&report, "refused"))
}

/// Returns what is said to a file of which a change is no livepatch any more.
fn changed(livepatch: &Livepatch, change: impl Fn(&mut Vec<u8>)) -> [Vec<String>; 2] {
    [VERMAGIC, VERMAGIC_7_3].map(|vermagic| {
        let mut bytes = bytes(livepatch, vermagic, &[]);
        change(&mut bytes);
        messages(&report(&bytes, vermagic), "refused")
    })
}

fn good() -> Livepatch {
    Livepatch::of("cmdline_proc_show")
}

const NOTHING: [&str; 0] = [];

#[test]
fn the_nearest_release_below_stands_for_one_that_is_not_known() {
    let nearest = |vermagic: &str| {
        let release = Release::of_vermagic(Some(vermagic.as_bytes()));
        (
            release.number.to_string(),
            Release::note(vermagic.as_bytes()),
        )
    };
    let note = |number, nearest| {
        Some(format!(
            "klp-gen does not know Linux {number}, and judges as for {nearest} (known: 6.12, 7.3)"
        ))
    };
    for (vermagic, number, note) in [
        ("6.12.117 SMP mod_unload ", "6.12", None),
        ("6.12-rc1+ SMP ", "6.12", None),
        ("7.3.4-1~bpo13+1 SMP mod_unload ", "7.3", None),
        ("6.18.9 SMP ", "6.12", note("6.18", "6.12")),
        ("7.2.0 SMP ", "6.12", note("7.2", "6.12")),
        ("7.10.0 SMP ", "7.3", note("7.10", "7.3")),
        ("8.0.0 SMP ", "7.3", note("8.0", "7.3")),
        ("5.10.0 SMP ", "6.12", note("5.10", "6.12")),
        ("no number", "6.12", None),
    ] {
        assert_eq!(nearest(vermagic), (number.to_owned(), note), "{vermagic}");
    }
    assert_eq!(Release::of_vermagic(None), DEFAULT);
    assert!(KNOWN.is_sorted_by_key(|known| known.number));
    assert_eq!(
        Number::of_vermagic(b"7.3.4"),
        Some(Number { major: 7, minor: 3 })
    );
}

/// Without a vmlinux, the livepatch tells the release.
#[test]
fn the_livepatch_tells_the_release_if_the_kernel_does_not() {
    let mut kernel = with_vermagic("");
    kernel.symbols.retain(|s| !s.name.starts_with("vermagic"));
    let bytes = bytes(&good(), VERMAGIC_7_3, &["import_ns=module:lp"]);
    let said = with_kernel(&kernel, |t| {
        let report = check_file("lp.ko".to_owned(), &bytes, t, Policy::Exact, &[]);
        messages(&report.unwrap(), "refused")
    });
    assert_eq!(
        said,
        ["lp: module tries to import module namespace: module:lp"]
    );
}

#[test]
fn symbols_that_kallsyms_does_not_list() {
    let names = [
        "__mod_device_table__pci__ids",
        "__UNIQUE_ID_modinfo_1234",
        "__UNIQUE_ID_modinfo_",
        "__UNIQUE_ID_modinfo_12a",
        "__UNIQUE_ID_modinfo1234",
    ];
    let listed = [vmlinux(), linux_7_3()].map(|mut kernel| {
        for name in names {
            let place = Place::Section(0);
            let address = crate::kernel::TEXT + 8;
            let (bind, kind) = (STB_LOCAL, STT_OBJECT);
            kernel.symbol(name, bind, kind, place, address, 8);
        }
        with_kernel(&kernel, |t| {
            let symbols = &t.objects()[0].symbols;
            names.map(|name| symbols.by_name(name.as_bytes()).is_some())
        })
    });
    assert_eq!(listed, [[true; 5], [false, false, false, true, true]]);
}

/// /proc/kallsyms tells which exports of a 6.12 kernel are for GPL modules, and not which of a 7.3 kernel or of a module.
#[test]
fn exports_in_the_text_of_a_running_kernel() {
    let text = "ffffffff81000000 T _text\nffffffff81000500 t cmdline_proc_show\n\
        ffffffff81000c00 T klp_enable_patch\nffffffff81800100 r __ksymtab_klp_enable_patch\n";
    let flags = "ffffffff81800300 r __flags_klp_enable_patch\n";
    let sections =
        "ffffffff81800100 R __start___ksymtab_gpl\nffffffff81800200 R __stop___ksymtab_gpl\n";
    let module = "ffffffffc0000000 t net_helper\t[net_mod]\nffffffffc0001000 r __ksymtab_net_helper\t[net_mod]\n";
    let untold = "does not tell whether it exports the symbol for GPL modules only";
    let found = |license: &str, kernel: &str, import: &str| -> Option<String> {
        let files = crate::kernel::Files::new();
        let path = files.write("kallsyms", format!("{text}{kernel}{module}").as_bytes());
        let files = klp_gen::target::TargetFiles::open(None, &[], Some(&path)).unwrap();
        let target = klp_gen::target::Target::load(&files).unwrap();
        let mut livepatch = good().call("net_helper");
        livepatch.set_modinfo(&["livepatch=Y", "name=lp", &format!("license={license}")]);
        let bytes = livepatch.build();
        let report = check_file("lp.ko".to_owned(), &bytes, &target, Policy::Exact, &[]).unwrap();
        let mut findings = report.findings.iter();
        findings.find(|f| f.subject == import)?.message()
    };
    for kernel in [flags, sections] {
        for import in ["klp_enable_patch", "net_helper"] {
            assert_eq!(found("GPL", kernel, import), None);
        }
    }
    for (kernel, import, expected) in [
        (flags, "klp_enable_patch", untold),
        (flags, "net_helper", untold),
        (
            sections,
            "klp_enable_patch",
            "lp: Unknown symbol klp_enable_patch (err -2)",
        ),
        (sections, "net_helper", untold),
    ] {
        let message = found("Proprietary", kernel, import);
        assert!(
            message.as_ref().is_some_and(|m| m.ends_with(expected)),
            "{import}: {message:?}"
        );
    }
}

#[test]
fn exports_for_gpl_modules() {
    let livepatch = good().call("gpl_in_namespace").call("_printk");
    for (vermagic, license, expected) in [
        (VERMAGIC, "GPL", &NOTHING[..]),
        (VERMAGIC_7_3, "GPL", &NOTHING),
        (
            VERMAGIC,
            "Proprietary",
            &["klp_enable_patch", "gpl_in_namespace"],
        ),
        (
            VERMAGIC_7_3,
            "Proprietary",
            &["klp_enable_patch", "gpl_in_namespace"],
        ),
    ] {
        let mut livepatch = livepatch.clone();
        livepatch.set_modinfo(&[
            "livepatch=Y",
            &format!("license={license}"),
            "name=lp",
            "import_ns=NET_PRIVATE",
            &format!("vermagic={vermagic}"),
        ]);
        let report = report(&livepatch.build(), vermagic);
        let refused = report.findings.iter();
        let refused = refused.filter(|f| matches!(f.outcome, Outcome::Refused(_)));
        let refused: Vec<_> = refused.map(|f| f.subject.as_str()).collect();
        assert_eq!(refused, expected, "{vermagic} {license}");
    }
}

#[test]
fn flags_of_own_exports() {
    let mut livepatch = good();
    livepatch.elf.section("__ksymtab", elf::SHF_ALLOC, &[0; 12]);
    assert_eq!(
        refusals(&livepatch),
        [vec![], vec!["lp: no flags for exported symbols".to_owned()]]
    );
    livepatch.elf.section("__kflagstab", elf::SHF_ALLOC, &[0]);
    assert_eq!(refusals(&livepatch), [NOTHING; 2]);
    // An empty table of exports has none.
    let mut livepatch = good();
    livepatch.elf.section("__ksymtab", elf::SHF_ALLOC, &[]);
    assert_eq!(refusals(&livepatch), [NOTHING; 2]);
}

#[test]
fn namespaces_of_modules() {
    let import = ["import_ns=module:lp"];
    let said = [VERMAGIC, VERMAGIC_7_3].map(|vermagic| {
        messages(
            &report(&bytes(&good(), vermagic, &import), vermagic),
            "refused",
        )
    });
    assert_eq!(
        said,
        [
            vec![],
            vec!["lp: module tries to import module namespace: module:lp".to_owned()]
        ]
    );
    for (namespace, is_open) in [
        ("module:lp", true),
        ("module:a,lp", true),
        ("module:l*", true),
        ("module:*", true),
        ("module:lp*", true),
        ("module:a*,b,l*,c", true),
        ("module:l", false),
        ("module:lpx", false),
        ("module:", false),
        ("module:a,b", false),
        ("module:lp,", true),
        ("lp", false),
    ] {
        let mut kernel = linux_7_3();
        let rodata = kernel.sections.iter_mut().find(|s| s.name == ".rodata");
        let place = &mut rodata.unwrap().data[0x220..0x220 + 0x20];
        place.fill(0);
        place[..namespace.len()].copy_from_slice(namespace.as_bytes());
        let bytes = bytes(&good().call("gpl_in_namespace"), VERMAGIC_7_3, &[]);
        let report = with_kernel(&kernel, |t| {
            check_file("lp.ko".to_owned(), &bytes, t, Policy::Exact, &[]).unwrap()
        });
        let closed = format!(
            "lp: module uses symbol (gpl_in_namespace) from namespace {namespace}, but does not import it."
        );
        let expected = if is_open { vec![] } else { vec![closed] };
        assert_eq!(messages(&report, "refused"), expected, "{namespace}");
    }
}

#[test]
fn names_of_symbols() {
    let table = |bytes: &[u8]| {
        let header = header_of(bytes, ".strtab");
        let number = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap());
        let start = usize::try_from(number(header + 24)).unwrap();
        (start, usize::try_from(number(header + 32)).unwrap())
    };
    let [old, new] = changed(&good(), |b| {
        set_header(b, ".strtab", SH_SIZE, &0_u64.to_le_bytes());
    });
    assert_eq!(old[0], "the name of symbol 0 is not in the table of names");
    assert_eq!(new, ["empty symbol string table"]);
    let [_, new] = changed(&good(), |b| {
        let (start, _) = table(b);
        b[start] = b'x';
    });
    assert_eq!(new, ["symbol string table missing leading NUL"]);
    let [_, new] = changed(&good(), |b| {
        let (start, size) = table(b);
        b[start + size - 1] = b'x';
    });
    assert_eq!(new, ["symbol string table isn't NUL terminated"]);
    let [old, new] = changed(&good(), |b| {
        let header = header_of(b, ".symtab");
        let start = u64::from_le_bytes(b[header + 24..header + 32].try_into().unwrap());
        let second = usize::try_from(start).unwrap() + 24;
        b[second..second + 4].copy_from_slice(&u32::MAX.to_le_bytes());
    });
    assert_eq!(old[0], "the name of symbol 1 is not in the table of names");
    assert_eq!(new, ["symbol name out of bounds in string table"]);
}

#[test]
fn extended_versions() {
    let with = |crcs: Option<usize>, names: Option<&[u8]>| {
        let mut livepatch = good();
        if let Some(crcs) = crcs {
            let crcs = vec![1; crcs];
            livepatch
                .elf
                .section("__version_ext_crcs", elf::SHF_ALLOC, &crcs);
        }
        if let Some(names) = names {
            livepatch
                .elf
                .section("__version_ext_names", elf::SHF_ALLOC, names);
        }
        refusals(&livepatch)
    };
    let said = |what: &str| [vec![], vec![what.to_owned()]];
    let presence = said("extended version crc+name presence does not match");
    let more = said("more extended version crcs than names");
    let fine = [NOTHING; 2];
    assert_eq!(with(Some(4), None), presence);
    assert_eq!(with(None, Some(b"a\0")), presence);
    assert_eq!(with(Some(8), Some(b"a\0b")), more);
    assert_eq!(with(Some(8), Some(b"a\0b\0")), fine);
    assert_eq!(with(Some(7), Some(b"a\0")), fine);
    assert_eq!(with(Some(0), Some(b"")), fine);
    assert_eq!(with(None, None), fine);
    // The loader does not keep them, so that they have no alignment.
    let mut livepatch = good();
    for name in ["__version_ext_crcs", "__version_ext_names"] {
        livepatch.elf.section(name, elf::SHF_ALLOC, &[0; 4]);
    }
    let warnings = [VERMAGIC, VERMAGIC_7_3].map(|vermagic| {
        let mut bytes = bytes(&livepatch, vermagic, &[]);
        let align = super::SH_ADDRALIGN;
        set_header(
            &mut bytes,
            "__version_ext_crcs",
            align,
            &24_u64.to_le_bytes(),
        );
        messages(&report(&bytes, vermagic), "warning")
    });
    assert_eq!(warnings[0].len(), 1, "{warnings:?}");
    assert_eq!(warnings[1], NOTHING);
}

/// Returns a livepatch with a livepatch relocation of its data: the name of the symbol, and its place.
fn relocating(name: &str, place: Place) -> Livepatch {
    let mut livepatch = good();
    let target = livepatch
        .elf
        .section(".data.klp", elf::SHF_ALLOC | elf::SHF_WRITE, &[0; 8]);
    let symbol = livepatch
        .elf
        .symbol(name, STB_GLOBAL, STT_NOTYPE, place, 0, 0);
    livepatch
        .elf
        .relocate(target, 0, symbol, elf::R_X86_64_64, 0);
    livepatch
}

/// Makes the relocations of `.data.klp` livepatch relocations of vmlinux.
fn as_livepatch(bytes: &mut Vec<u8>) {
    let at = header_of(bytes, ".rela.data.klp");
    let name = u32::try_from(bytes.len()).unwrap();
    let names = header_of(bytes, ".shstrtab");
    let start = u64::from_le_bytes(bytes[names + 24..names + 32].try_into().unwrap());
    let offset = name - u32::try_from(start).unwrap();
    bytes.extend_from_slice(b".klp.rela.vmlinux..data.klp\0");
    let size = bytes.len() as u64 - start;
    bytes[names + 32..names + 40].copy_from_slice(&size.to_le_bytes());
    bytes[at..at + 4].copy_from_slice(&offset.to_le_bytes());
    let flags = elf::SHF_ALLOC.0 | 0x0010_0000;
    bytes[at + 8..at + 16].copy_from_slice(&flags.to_le_bytes());
}

#[test]
fn places_in_messages() {
    let own = relocating(".klp.sym.vmlinux.table,1", Place::Special(0xfff1));
    let [old, new] = changed(&own, as_livepatch);
    let symbol = ".klp.sym.vmlinux.table,1";
    assert_eq!(
        old,
        [format!(
            "symbol {symbol} is not marked as a livepatch symbol"
        )]
    );
    let file = bytes(&own, VERMAGIC, &[]);
    let elf = klp_gen::elf::ElfFile::parse("lp.ko".to_owned(), &file[..]).unwrap();
    let symtab = elf.section_by_name(b".symtab").unwrap().id.0;
    let rela = elf.section_by_name(b".rela.data.klp").unwrap().id.0;
    assert_eq!(
        new,
        [format!(
            "symbol {symbol} at rela sec {symtab} idx 0 is not marked as a livepatch symbol"
        )]
    );

    let mut filled = relocating(".klp.sym.vmlinux.table,1", LIVEPATCH);
    let target = filled
        .elf
        .sections
        .iter_mut()
        .find(|s| s.name == ".data.klp");
    target.unwrap().data[3] = 1;
    let nonzero = "x86/modules: Invalid relocation target, existing value is nonzero for";
    assert_eq!(
        changed(&filled, as_livepatch),
        [
            [format!("{nonzero} type 1")],
            [format!("{nonzero} sec {rela}, idx 0, type 1")]
        ]
    );

    let mut far = relocating(".klp.sym.vmlinux.table,1", LIVEPATCH);
    let target = far.elf.sections.iter_mut().find(|s| s.name == ".data.klp");
    target.unwrap().relocations[0].kind = elf::R_X86_64_32;
    let overflow = "overflow in relocation type 10 val ffffffff82000010";
    assert_eq!(
        changed(&far, as_livepatch),
        [
            [overflow.to_owned()],
            [format!("{overflow} sec {rela} idx 0")]
        ]
    );
}

/// The kernel reads zeros, which all refer to the null symbol.
#[test]
fn relocations_without_bytes() {
    let livepatch = relocating(".klp.sym.vmlinux.table,1", LIVEPATCH);
    let file = bytes(&livepatch, VERMAGIC, &[]);
    let elf = klp_gen::elf::ElfFile::parse("lp.ko".to_owned(), &file[..]).unwrap();
    let symtab = elf.section_by_name(b".symtab").unwrap();
    let names = elf.section_by_name(b".strtab").unwrap();
    // Changes the null symbol.
    let refused = |size: u64, change: &dyn Fn(&mut [u8])| {
        changed(&livepatch, |bytes| {
            let rela = ".rela.data.klp";
            set_header(bytes, rela, SH_TYPE, &elf::SHT_NOBITS.0.to_le_bytes());
            set_header(bytes, rela, SH_SIZE, &size.to_le_bytes());
            let at = header_of(bytes, ".symtab") + SH_OFFSET;
            let symbols = u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap());
            change(&mut bytes[usize::try_from(symbols).unwrap()..]);
            as_livepatch(bytes);
        })
    };
    let not_marked = |symbol: &str| {
        let end = "is not marked as a livepatch symbol";
        [
            [format!("symbol {symbol} {end}")],
            [format!(
                "symbol {symbol} at rela sec {} idx 0 {end}",
                symtab.id.0
            )],
        ]
    };
    assert_eq!(refused(24, &|_| {}), not_marked(""));
    assert_eq!(refused(24 << 12, &|_| {}), not_marked(""));
    assert_eq!(refused(23, &|_| {}), [NOTHING; 2]);
    // The null symbol may have a name, and be one of the livepatch.
    let start = usize::try_from(names.offset).unwrap();
    let symbol = b".klp.sym.vmlinux.table,1\0";
    let place = file[start..]
        .windows(symbol.len())
        .position(|w| w == symbol);
    let place = u32::try_from(place.unwrap()).unwrap().to_le_bytes();
    let name = |null: &mut [u8]| null[..4].copy_from_slice(&place);
    assert_eq!(refused(24, &name), not_marked(".klp.sym.vmlinux.table,1"));
    let mark = |null: &mut [u8]| null[6..8].copy_from_slice(&[0x20, 0xff]);
    assert_eq!(
        refused(24, &mark),
        [["symbol  has an incorrectly formatted name"]; 2]
    );
    let both = |null: &mut [u8]| {
        name(null);
        mark(null);
    };
    assert_eq!(refused(24, &both), [NOTHING; 2]);
}

#[test]
fn numbers_that_are_too_large() {
    // 2^64 + 1
    let wrapped = relocating(".klp.sym.vmlinux.table,18446744073709551617", LIVEPATCH);
    let last = u64::MAX;
    let not_found =
        format!("symbol position {last} for symbol 'table' in object 'vmlinux' not found");
    assert_eq!(
        changed(&wrapped, as_livepatch),
        [vec![], vec![not_found.clone()]]
    );
    let largest = relocating(".klp.sym.vmlinux.table,18446744073709551615", LIVEPATCH);
    assert_eq!(
        changed(&largest, as_livepatch),
        [vec![not_found.clone()], vec![not_found]]
    );
    let zeros = relocating(
        ".klp.sym.vmlinux.table,\t0000000000000000000000001",
        LIVEPATCH,
    );
    assert_eq!(changed(&zeros, as_livepatch), [NOTHING; 2]);
}

#[test]
fn functions_without_a_name_come_first() {
    let mut livepatch = Livepatch::replacing(&[(None, &[("cmdline_proc_show", 0), ("mixed", 1)])]);
    // The last pointer to a string is that to the name of the second function.
    let data = livepatch.data;
    let strings = livepatch.elf.symbols.len();
    let relocations = &mut livepatch.elf.sections[data].relocations;
    let name = relocations.iter().max_by_key(|r| (r.symbol, r.offset));
    let name = *name.unwrap();
    assert!(name.symbol < strings);
    relocations.retain(|r| r.offset != name.offset);
    let refused = [VERMAGIC, VERMAGIC_7_3].map(|vermagic| {
        let mut livepatch = livepatch.clone();
        livepatch.set_modinfo(&["license=GPL", "name=lp", &format!("vermagic={vermagic}")]);
        messages(&report(&livepatch.build(), vermagic), "refused")
    });
    let not_marked = "module lp is not marked as a livepatch module";
    let no_name = "-EINVAL without a log message: old_name is NULL";
    assert_eq!(refused, [[not_marked, no_name], [no_name, not_marked]]);
}

#[test]
fn per_cpu_variables() {
    let relocating = |kind| {
        let mut livepatch = good();
        let write = elf::SHF_ALLOC | elf::SHF_WRITE;
        let section = livepatch.elf.section(".data..percpu", write, &[0; 16]);
        let replacement = livepatch.new_func;
        livepatch.elf.relocate(section, 8, replacement, kind, 0);
        both(&livepatch)
    };
    let [old, new] = relocating(elf::R_X86_64_64);
    assert_eq!(
        messages(&old, "warning"),
        ["not applied by kernels before 6.17: the per-cpu variables that it changes stay 0"]
    );
    assert_eq!(messages(&new, "warning"), NOTHING);
    assert_eq!(messages(&new, "refused"), NOTHING);
    let [_, new] = relocating(elf::R_X86_64_GOTPCREL);
    assert_eq!(
        messages(&new, "refused"),
        ["lp: Unknown rela relocation: 9"]
    );
    let [_, new] = relocating(elf::R_X86_64_PC32);
    assert!(messages(&new, "refused")[0].contains("per-cpu variable"));
}

#[test]
fn types_and_jumps() {
    let with = |table: &str, code: &[u8]| {
        let mut livepatch = good();
        let text = livepatch.text;
        livepatch.elf.sections[text].data[0x100..0x100 + code.len()].copy_from_slice(code);
        let sites = livepatch.elf.section(table, elf::SHF_ALLOC, &[0; 4]);
        let place = Place::Section(text);
        let symbol = livepatch
            .elf
            .symbol("site", STB_LOCAL, STT_OBJECT, place, 0x100, 0);
        livepatch
            .elf
            .relocate(sites, 0, symbol, elf::R_X86_64_PC32, 0);
        both(&livepatch).map(|report| messages(&report, "refused").is_empty())
    };
    assert_eq!(with(".cfi_sites", &[0xb8, 1, 2, 3, 4]), [true, true]);
    assert_eq!(with(".cfi_sites", &[0xbf, 1, 2, 3, 4]), [false, true]);
    assert_eq!(with(".cfi_sites", &[0xc0, 1, 2, 3, 4]), [false, false]);
    assert_eq!(with(".retpoline_sites", &[0x0f, 0x85]), [true, true]);
    assert_eq!(with(".retpoline_sites", &[0x75, 4]), [false, false]);
    assert_eq!(with(".retpoline_sites", &[0x90, 4]), [false, false]);
}

#[test]
fn the_kernel_decides_not_the_file() {
    let for_other = bytes(&good(), VERMAGIC_7_3, &["import_ns=module:lp"]);
    assert_eq!(
        messages(&check_bytes(&for_other, Policy::Exact), "refused"),
        [format!(
            "lp: version magic '{VERMAGIC_7_3}' should be '{VERMAGIC}'"
        )]
    );
}
