// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The effects of a livepatch on those that are installed.

use super::messages;
use crate::kernel::with_target;
use crate::livepatch::{Func, Livepatch};
use klp_gen::check::{check_file, Installed, Report};
use klp_gen::elf::ElfFile;
use klp_policy::Policy;

/// Checks one livepatch where another one is installed.
fn check_over(old: &Livepatch, new: &Livepatch) -> Report {
    let old = old.build();
    let old = ElfFile::parse("old.ko".to_owned(), &old[..]).unwrap();
    let installed = [Installed::read(&old).unwrap()];
    with_target(|target| {
        let new = new.build();
        check_file("lp.ko".to_owned(), &new, target, Policy::Llvm, &installed).unwrap()
    })
}

fn replacing(name: &str, sympos: u64) -> Livepatch {
    let functions: &[Func<'_>] = &[(name, sympos)];
    Livepatch::replacing(&[(None, functions)]).with_modinfo(&[
        "livepatch=Y",
        "license=GPL",
        "name=old",
        "depends=klp_sympos",
    ])
}

/// The warnings about functions that were installed before.
fn about_old(report: &Report) -> Vec<String> {
    let mut warnings = messages(report, "warning");
    warnings.retain(|w| w.starts_with("old "));
    warnings
}

#[test]
fn a_livepatch_for_another_kernel_cannot_be_installed() {
    let mut old = replacing("promoted", 0);
    let about_file = |old: &Livepatch| {
        let mut warnings = messages(&check_over(old, &Livepatch::of("twin")), "warning");
        warnings.retain(|w| w.starts_with("is for "));
        warnings
    };
    assert_eq!(about_file(&old), [""; 0]);
    old.set_modinfo(&["livepatch=Y", "name=old", "vermagic=6.11.0 SMP "]);
    let found = about_file(&old);
    let expected = "is for '6.11.0 SMP ', while ";
    assert!(
        found.len() == 1 && found[0].starts_with(expected),
        "{found:?}"
    );
}

#[test]
fn a_function_that_is_spelled_in_another_way() {
    let cumulative = |name, sympos| {
        let functions: &[Func<'_>] = &[(name, sympos)];
        Livepatch::replacing(&[(None, functions)]).cumulative()
    };
    let old = replacing("promoted.llvm.9a", 0);
    let warnings = about_old(&check_over(&old, &cumulative("promoted", 0)));
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(
        warnings[0].starts_with(
            "old names the function promoted.llvm.9a,0: the kernel takes both names for"
        ),
        "{warnings:?}"
    );
    // The same text pairs, whether its position is 0 or 1; another function is another one.
    for (old, new) in [
        (("promoted.llvm.9a", 1), ("promoted.llvm.9a", 0)),
        (("init_once", 1), ("init_once", 2)),
    ] {
        let report = check_over(&replacing(old.0, old.1), &cumulative(new.0, new.1));
        assert_eq!(about_old(&report), [""; 0], "{old:?} {new:?}");
    }
    // Only code tells what these do.
    let func: &[Func<'_>] = &[("promoted", 0)];
    let klp_build = Livepatch::klp_build(".init.", &[(None, func)]);
    let warnings = about_old(&check_over(&old, &klp_build));
    assert!(warnings[0].ends_with("(if .replace is set, which only the code tells)"));
}

#[test]
fn a_function_that_two_replace() {
    let report = check_over(
        &replacing("promoted.llvm.9a", 0),
        &Livepatch::of("promoted"),
    );
    assert_eq!(
        about_old(&report),
        ["old replaces the function as well: its replacement is not called while both are enabled"]
    );
}

#[test]
fn states() {
    let text = "Livepatch patch (lp) is not compatible with the already installed livepatches.";
    let new = Livepatch::of("cmdline_proc_show");
    for (new, refused) in [
        (new.clone(), false),
        (new.clone().cumulative(), true),
        (new.clone().cumulative().with_states(&[(7, 2)]), false),
        (new.clone().cumulative().with_states(&[(7, 1)]), true),
        (new.clone().with_states(&[(7, 1)]), true),
        (new.with_states(&[(8, 1), (7, 3)]), false),
    ] {
        let report = check_over(&replacing("twin", 0).with_states(&[(7, 2)]), &new);
        let expected: &[&str] = if refused { &[text] } else { &[] };
        assert_eq!(messages(&report, "refused"), expected);
    }
    let func: &[Func<'_>] = &[("cmdline_proc_show", 0)];
    let kpatch = Livepatch::kpatch(&[(None, func)], &[]);
    let report = check_over(&replacing("twin", 0).with_states(&[(7, 2)]), &kpatch);
    assert!(messages(&report, "unchecked")[0].contains("states of old"));
}

#[test]
fn the_same_livepatch_again() {
    let livepatch = Livepatch::of("cmdline_proc_show");
    let report = check_over(&livepatch, &livepatch);
    assert_eq!(
        messages(&report, "refused"),
        ["-EEXIST without a log message: a module of that name is installed"]
    );
}
