// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The functions and objects that a livepatch replaces.

use super::{check_patch, messages};
use crate::elf::Place;
use crate::livepatch::{Func, Livepatch, KLP_OBJECT, KLP_PATCH};
use klp_gen::check::{By, Finding, Kind};
use klp_policy::Policy;
use object::elf;

#[test]
fn functions() {
    let long = "n".repeat(512);
    for (object, (name, sympos), message) in [
        (None, ("cmdline_proc_show", 0), None),
        (None, ("init_once", 2), None),
        (
            None,
            ("init_once", 3),
            Some("symbol position 3 for symbol 'init_once' in object 'vmlinux' not found"),
        ),
        (
            None,
            ("promoted", 0),
            Some("symbol 'promoted' not found in symbol table"),
        ),
        (
            None,
            ("noinstr_function", 0),
            Some("failed to find location for function 'noinstr_function'"),
        ),
        (
            None,
            ("table", 0),
            Some("failed to find location for function 'table'"),
        ),
        // Its memory is gone after boot.
        (
            None,
            ("start_kernel", 0),
            Some("failed to find location for function 'start_kernel'"),
        ),
        (
            None,
            ("cpu_variable", 0),
            Some("kallsyms size lookup failed for 'cpu_variable'"),
        ),
        (
            None,
            (long.as_str(), 0),
            Some("-EINVAL without a log message: the name has more than 511 bytes"),
        ),
        (Some("net_mod"), ("handle", 0), None),
        (
            Some("net_mod"),
            ("quiet", 0),
            Some("failed to find location for function 'quiet'"),
        ),
        (
            Some("net_mod"),
            ("only_init", 0),
            Some("symbol 'only_init' not found in symbol table"),
        ),
    ] {
        let livepatch = Livepatch::replacing(&[(object, &[(name, sympos)])]);
        let report = check_patch(&livepatch, Policy::Exact);
        let refused = messages(&report, "refused");
        assert_eq!(refused, Vec::from_iter(message), "{name}");
    }
}

/// `klp_sympos` writes a name as a `CStr`, the stock kernel as it is.
#[test]
fn a_name_that_cannot_be_printed() {
    for (policy, printed) in [(Policy::Exact, r"no\nä"), (Policy::Llvm, r"no\x0a\xc3\xa4")] {
        assert_eq!(
            messages(&check_patch(&Livepatch::of("no\nä"), policy), "refused"),
            [format!("symbol '{printed}' not found in symbol table")]
        );
    }
}

#[test]
fn objects() {
    let func: &[_] = &[("handle", 0)];
    let report = check_patch(
        &Livepatch::replacing(&[(Some("absent"), func)]),
        Policy::Llvm,
    );
    assert_eq!(
        messages(&report, "unchecked"),
        ["absent is not among the targets: give it with --module"]
    );
    // klp_find_object_module() and klp_module_coming() compare names as they are.
    for name in ["net-mod", "vmlinux", "net_mod.ko", "drivers/net/net_mod"] {
        let report = check_patch(&Livepatch::replacing(&[(Some(name), func)]), Policy::Llvm);
        let refusals: Vec<_> = report.refusals().map(|(_, refusal)| refusal).collect();
        let expected = format!("no module is called {name}: ");
        assert!(
            refusals[0].to_string().starts_with(&expected),
            "{refusals:?}"
        );
        assert_eq!((refusals.len(), refusals[0].by()), (1, By::KlpGen));
    }
    let report = check_patch(
        &Livepatch::replacing(&[(Some("net.mod"), func)]),
        Policy::Llvm,
    );
    assert_eq!(messages(&report, "warning").len(), 1);
    let long = "m".repeat(56);
    let report = check_patch(&Livepatch::replacing(&[(Some(&long), func)]), Policy::Llvm);
    assert_eq!(
        messages(&report, "refused"),
        ["-EINVAL without a log message: the name has 56 bytes (at most 55)"]
    );
}

/// In a boot of the test kernel, each of these was the only thing that it logged.
#[test]
fn reports_refusals_in_the_order_of_the_kernel() {
    type Objects<'a> = &'a [(Option<&'a str>, &'a [Func<'a>])];

    let untraceable: Func<'_> = ("noinstr_function", 0);
    let unknown: Func<'_> = ("nobody", 0);
    let (long, twice) = ("n".repeat(512), ("cmdline_proc_show", 0));
    let not_found = "symbol 'nobody' not found in symbol table";
    let too_long = "-EINVAL without a log message: the name has more than 511 bytes";
    let cases: [(Objects<'_>, &str); 5] = [
        (&[(None, &[untraceable, unknown])], not_found),
        (&[(None, &[unknown, (&long, 0)])], too_long),
        (&[(None, &[untraceable, (&long, 0)])], too_long),
        (
            &[(None, &[untraceable]), (Some("net_mod"), &[unknown])],
            not_found,
        ),
        // One object after the other.
        (
            &[(None, &[unknown]), (Some("net_mod"), &[twice, twice])],
            not_found,
        ),
    ];
    for (objects, first) in cases {
        let report = check_patch(&Livepatch::replacing(objects), Policy::Exact);
        let refusals: Vec<_> = report.refusals().map(|(_, r)| r.to_string()).collect();
        assert!(refusals.len() > 1, "{refusals:?}");
        assert_eq!(refusals[0], first);
    }
}

/// By the order of `klp_enable_patch()`.
#[test]
fn every_object_has_functions_before_anything_else_is_seen() {
    let objects: &[(_, &[_])] = &[
        (None, &[("nobody", 0)]),
        (Some("net_mod"), &[("handle", 0)]),
    ];
    let mut livepatch = Livepatch::replacing(objects).with_modinfo(&["license=GPL", "name=lp"]);
    let (data, funcs) = (livepatch.data, KLP_PATCH + KLP_OBJECT + 8);
    livepatch.elf.sections[data]
        .relocations
        .retain(|r| r.offset != funcs);
    let report = check_patch(&livepatch, Policy::Exact);
    let refusals: Vec<_> = report.refusals().map(|(_, r)| r.to_string()).collect();
    assert_eq!(
        refusals,
        [
            "-EINVAL without a log message: funcs is NULL",
            "module lp is not marked as a livepatch module",
            "symbol 'nobody' not found in symbol table",
        ]
    );
}

#[test]
fn one_function_twice() {
    let names: &[_] = &[("init_once", 2), ("init_once.llvm.*", 3)];
    let report = check_patch(&Livepatch::replacing(&[(None, names)]), Policy::Llvm);
    assert_eq!(
        messages(&report, "refused"),
        ["it replaces the same function as init_once,2: the kernel would never call the replacement of init_once,2"]
    );
    // The kernel would take it.
    let by: Vec<_> = report.findings.iter().filter_map(Finding::by).collect();
    assert_eq!(by, [By::KlpGen]);
    let names: &[_] = &[("twin", 0), ("twin", 1)];
    let report = check_patch(&Livepatch::replacing(&[(None, names)]), Policy::Llvm);
    assert_eq!(
        messages(&report, "refused"),
        ["kobject_add_internal failed for twin,1 with -EEXIST"]
    );
}

#[test]
fn names_that_mean_more_than_one_symbol() {
    // 0x100 and 0x300; promoted at 0x200 and 0x400.
    let names: &[_] = &[
        ("init_once", 1),
        ("init_once", 2),
        ("mixed", 1),
        ("mixed", 2),
    ];
    for policy in [Policy::Exact, Policy::Llvm] {
        let report = check_patch(&Livepatch::replacing(&[(None, names)]), policy);
        let warnings = |subject: &str| {
            let found = report.findings.iter().find(|f| f.subject == subject);
            let mut warnings = found.unwrap().warnings.clone();
            warnings.retain(|w| !w.contains("wins over"));
            warnings
        };
        assert_eq!(warnings("init_once,1"), [""; 0]);
        assert_eq!(
            warnings("init_once,2"),
            ["position 2 of init_once.llvm.* (counted by cleaned names) is another symbol"]
        );
        assert_eq!(
            warnings("mixed,1"),
            ["1 of the 2 symbols of that name are data"]
        );
        assert_eq!(
            messages(&report, "refused"),
            ["failed to find location for function 'mixed'"]
        );
    }
}

#[test]
fn a_hash_of_another_build() {
    let refused = |name, policy| {
        let names: &[_] = &[(name, 1)];
        let report = check_patch(&Livepatch::replacing(&[(None, names)]), policy);
        messages(&report, "refused")
    };
    for policy in [Policy::Llvm, Policy::Exact] {
        for (name, has) in [
            ("promoted.llvm.dead", "promoted.llvm.9a instead"),
            (
                "init_once.llvm.77",
                "4 symbols called init_once, none with this hash",
            ),
            ("nosuch.llvm.1", "no symbol called nosuch"),
        ] {
            assert_eq!(
                refused(name, policy),
                [
                    format!("symbol '{name}' not found in symbol table"),
                    format!("the livepatch is of another build: vmlinux has {has}"),
                ]
            );
        }
    }
    // They find none with a hash of their own build either.
    let said = refused("promoted.llvm.dead", Policy::LlvmCut);
    assert_eq!(said.len(), 1, "{said:?}");
}

#[test]
fn older_kernels_call_vmlinux_null() {
    let said = |name, sympos, policy| {
        let names: &[_] = &[(name, sympos)];
        let report = check_patch(&Livepatch::replacing(&[(None, names)]), policy);
        messages(&report, "refused")
    };
    let ambiguous = |name| {
        vec![format!(
            "unresolvable ambiguity for symbol '{name}' in object '(null)'"
        )]
    };
    let none = Vec::<String>::new();
    // 6.5 to 6.10: the promoted function is found by its name; its cold half has it, too.
    assert_eq!(said("promoted", 0, Policy::LlvmCut), ambiguous("promoted"));
    assert_eq!(said("promoted", 1, Policy::LlvmCut), none);
    assert_eq!(said("twin", 0, Policy::LlvmCut), ambiguous("twin"));
    assert_eq!(
        said("promoted.llvm.9a", 0, Policy::LlvmCut),
        ["symbol 'promoted.llvm.9a' not found in symbol table"]
    );
    assert_eq!(said("init_once", 4, Policy::LlvmCut), none);
    assert_eq!(
        said("init_once", 5, Policy::LlvmCut),
        ["symbol position 5 for symbol 'init_once' in object 'vmlinux' not found"]
    );
    // 5.16 to 6.4: a function's statics have its name as well.
    assert_eq!(said("bump", 0, Policy::DotCut), ambiguous("bump"));
    assert_eq!(
        said("bump", 0, Policy::LlvmCut),
        ["symbol 'bump' not found in symbol table"]
    );
    assert_eq!(said("cmdline_proc_show", 0, Policy::DotCut), none);
    // None of them cuts the names of a module.
    for policy in [Policy::LlvmCut, Policy::DotCut] {
        let names: &[_] = &[("state", 0)];
        let report = check_patch(&Livepatch::replacing(&[(Some("net_mod"), names)]), policy);
        assert_eq!(
            messages(&report, "refused"),
            ["symbol 'state' not found in symbol table"]
        );
    }
}

#[test]
fn objects_that_the_kernel_refuses() {
    let func: &[_] = &[("cmdline_proc_show", 0)];
    let twice = Livepatch::replacing(&[(None, func), (None, func)]);
    let report = check_patch(&twice, Policy::Exact);
    assert_eq!(
        messages(&report, "refused"),
        ["kobject_add_internal failed for vmlinux with -EEXIST"]
    );
    // The directory of the image has that name as well.
    let named = Livepatch::replacing(&[(None, func), (Some("vmlinux"), func)]);
    assert_eq!(
        messages(&check_patch(&named, Policy::Exact), "refused"),
        ["kobject_add_internal failed for vmlinux with -EEXIST"]
    );
    // klp_init_func() also sees those of an object that never comes.
    let long = "n".repeat(512);
    let (twice, too_long): (&[_], &[_]) = (&[("f", 0), ("f", 1)], &[(long.as_str(), 0)]);
    for never in ["vmlinux", "net-mod"] {
        let said = |funcs| {
            let livepatch = Livepatch::replacing(&[(Some(never), funcs)]);
            let report = check_patch(&livepatch, Policy::Exact);
            let by_kernel = report.refusals().filter(|(_, r)| r.by() == By::Kernel);
            by_kernel.map(|(_, r)| r.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(said(func), [""; 0]);
        assert_eq!(
            said(twice),
            ["kobject_add_internal failed for f,1 with -EEXIST"]
        );
        let refused = ["-EINVAL without a log message: the name has more than 511 bytes"];
        assert_eq!(said(too_long), refused);
    }
    let report = check_patch(&Livepatch::replacing(&[(Some(""), func)]), Policy::Exact);
    assert_eq!(
        messages(&report, "refused"),
        ["attempted to be registered with empty name!"]
    );
    let mut no_functions = Livepatch::replacing(&[(Some("net_mod"), &[("handle", 0)])]);
    let data = no_functions.data;
    let objects = KLP_PATCH + 8;
    no_functions.elf.sections[data]
        .relocations
        .retain(|r| r.offset != objects);
    assert_eq!(
        messages(&check_patch(&no_functions, Policy::Exact), "refused"),
        ["-EINVAL without a log message: funcs is NULL"]
    );
}

#[test]
fn replacements() {
    let code = elf::SHF_ALLOC | elf::SHF_EXECINSTR;
    for (section, flags, expected) in [
        (".text.unlikely", code, None),
        (
            ".init.text",
            code,
            Some("its replacement is in .init.text, which is freed once the module has loaded"),
        ),
        (
            ".rodata",
            elf::SHF_ALLOC,
            Some("its replacement is in .rodata, which does not contain code"),
        ),
    ] {
        let mut livepatch = Livepatch::of("cmdline_proc_show");
        let section = livepatch.elf.section(section, flags, &[0x90; 64]);
        livepatch.elf.symbols[livepatch.new_func].place = Place::Section(section);
        let report = check_patch(&livepatch, Policy::Exact);
        assert_eq!(messages(&report, "refused"), Vec::from_iter(expected));
    }
    let mut dropped = Livepatch::of("cmdline_proc_show");
    let section = dropped
        .elf
        .section(".comment", elf::SectionFlags(0), &[0x90; 64]);
    dropped.elf.symbols[dropped.new_func].place = Place::Section(section);
    assert_eq!(
        messages(&check_patch(&dropped, Policy::Exact), "refused"),
        [
            "it refers to a section that is not loaded",
            "kallsyms size lookup failed for 'cmdline_proc_show' replacement"
        ]
    );
    let mut null = Livepatch::of("cmdline_proc_show");
    let (data, new_func) = (null.data, null.new_func);
    let relocations = &mut null.elf.sections[data].relocations;
    relocations.retain(|r| r.symbol != new_func);
    assert_eq!(
        messages(&check_patch(&null, Policy::Exact), "refused"),
        ["-EINVAL without a log message: new_func is NULL"]
    );
}

#[test]
fn an_exact_name_that_hides_others() {
    let report = check_patch(&Livepatch::of("twin"), Policy::Llvm);
    let warnings = messages(&report, "warning");
    assert!(
        warnings[0].contains("wins over promoted symbols"),
        "{warnings:?}"
    );
    let exact = check_patch(&Livepatch::of("twin"), Policy::Exact);
    assert!(messages(&exact, "warning").is_empty());
}

#[test]
fn reports_modules_that_are_no_livepatch() {
    let livepatch = Livepatch::of("cmdline_proc_show").with_modinfo(&["license=GPL", "name=lp"]);
    assert_eq!(
        messages(&check_patch(&livepatch, Policy::Llvm), "refused"),
        ["module lp is not marked as a livepatch module"]
    );
    // Put together when it runs.
    let report = check_patch(&Livepatch::empty(), Policy::Llvm);
    assert!(messages(&report, "unchecked")[0].contains("no klp_patch was found"));
}

#[test]
fn arrays_of_structs_may_be_longer_than_usual() {
    // CONFIG_DEBUG_KOBJECT_RELEASE puts more into each struct.
    let names: &[_] = &[("cmdline_proc_show", 0), ("promoted", 0), ("twin", 0)];
    let objects: [(Option<&str>, &[_]); 2] = [(None, names), (Some("net_mod"), &[("handle", 0)])];
    for (klp_object, klp_func) in [(168, 152), (296, 280), (232, 216)] {
        let livepatch = Livepatch::replacing_with(&objects, klp_object, klp_func);
        let report = check_patch(&livepatch, Policy::Llvm);
        let function = |f: &&Finding| f.kind == Kind::Function;
        assert_eq!(report.findings.iter().filter(function).count(), 4);
    }
}
