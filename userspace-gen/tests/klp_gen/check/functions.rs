// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The functions and objects that a livepatch replaces.

use super::{check_patch, messages};
use crate::livepatch::Livepatch;
use klp_gen::check::{Finding, Kind};
use klp_policy::Policy;

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
            Some("-EINVAL without a word: the name has 512 bytes or more"),
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

#[test]
fn objects() {
    let func: &[_] = &[("handle", 0)];
    let report = check_patch(
        &Livepatch::replacing(&[(Some("absent"), func)]),
        Policy::Llvm,
    );
    assert_eq!(
        messages(&report, "unchecked"),
        ["absent is not among the targets"]
    );
    for name in ["net-mod", "vmlinux", "net.mod"] {
        let report = check_patch(&Livepatch::replacing(&[(Some(name), func)]), Policy::Llvm);
        assert_eq!(messages(&report, "warning").len(), 1, "{name}");
    }
    let long = "m".repeat(56);
    let report = check_patch(&Livepatch::replacing(&[(Some(&long), func)]), Policy::Llvm);
    assert_eq!(
        messages(&report, "refused"),
        ["-EINVAL without a word: the name has 56 bytes"]
    );
}

#[test]
fn one_function_twice() {
    let names: &[_] = &[("init_once", 2), ("init_once.llvm.*", 3)];
    let report = check_patch(&Livepatch::replacing(&[(None, names)]), Policy::Llvm);
    let warnings = messages(&report, "warning");
    assert!(
        warnings
            .iter()
            .any(|w| w == "the same function as init_once,2"),
        "{warnings:?}"
    );
    let names: &[_] = &[("twin", 0), ("twin", 1)];
    let report = check_patch(&Livepatch::replacing(&[(None, names)]), Policy::Llvm);
    assert_eq!(
        messages(&report, "refused"),
        ["kobject_add_internal failed for twin,1 with -EEXIST"]
    );
}

#[test]
fn an_exact_name_that_hides_others() {
    let report = check_patch(&Livepatch::of("twin"), Policy::Llvm);
    let warnings = messages(&report, "warning");
    assert!(warnings[0].contains("wins over 1 promoted"), "{warnings:?}");
    let exact = check_patch(&Livepatch::of("twin"), Policy::Exact);
    assert!(messages(&exact, "warning").is_empty());
}

#[test]
fn what_is_no_livepatch() {
    let mut livepatch = Livepatch::of("cmdline_proc_show");
    for section in &mut livepatch.elf.sections {
        if section.name == ".modinfo" {
            section.data = b"name=lp\0".to_vec();
        }
    }
    assert_eq!(
        messages(&check_patch(&livepatch, Policy::Llvm), "refused"),
        ["module lp is not marked as a livepatch module"]
    );
    // Put together when it runs.
    let report = check_patch(&Livepatch::empty(), Policy::Llvm);
    assert!(messages(&report, "unchecked")[0].contains("no klp_patch found"));
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
