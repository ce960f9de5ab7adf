// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Patches that cannot be livepatches, each with the reason.

use super::affected::SOURCES;
use super::small_kernel::{said, SmallKernel};
use klp_gen::build::pairs;
use klp_gen::build::progress::Silent;
use std::fmt::Write as _;
use std::fs;

fn edit(file: &str) -> String {
    format!("--- a/{file}\n+++ b/{file}\n@@ -1 +1 @@\n-old\n+new\n")
}

#[test]
fn files_that_no_livepatch_can_change() {
    let kernel = SmallKernel::new(SOURCES);
    for (file, why) in [
        ("arch/x86/lib/memcpy_64.S", "is assembler"),
        ("arch/x86/kernel/vmlinux.lds.S", "is a linker script"),
        ("rust/kernel/lib.rs", "is Rust"),
        ("mm/Kconfig", "changes the configuration"),
        ("mm/Kconfig.debug", "changes the configuration"),
        ("mm/Makefile", "changes how files are built"),
        ("arch/x86/Kbuild", "changes how files are built"),
        ("arch/x86/boot/main.c", "is part of the boot code"),
        ("arch/x86/entry/vdso/vma.c", "is part of the vDSO"),
        ("arch/x86/realmode/rm/wakemain.c", "is real-mode code"),
        ("arch/x86/purgatory/purgatory.c", "is part of the purgatory"),
        (
            "drivers/firmware/efi/libstub/gop.c",
            "is part of the EFI stub",
        ),
        ("mm/none.c", "is not in "),
        ("include/vdso/none.h", "is not in "),
    ] {
        let refusals = kernel.refusals(&edit(file));
        let [refusal] = &refusals[..] else {
            panic!("{refusals:?}")
        };
        assert!(refusal.starts_with(&format!("{file}: {why}")), "{refusal}");
    }
    // All at once.
    let both = edit("mm/Kconfig") + &edit("mm/none.c");
    assert_eq!(kernel.refusals(&both).len(), 2);
}

#[test]
fn a_patch_without_code_is_called_by_its_name() {
    let kernel = SmallKernel::new(SOURCES);
    let refusals = kernel.refusals(&edit("MAINTAINERS"));
    let name = kernel.path("refused.patch").display().to_string();
    assert_eq!(
        refusals,
        [format!(
            "{name}: changes no file that is compiled into the kernel"
        )]
    );
}

#[test]
fn a_mailed_patch_applies() {
    let kernel = SmallKernel::new(SOURCES);
    let patch = kernel.patch("fix.patch", &[("mm/a.c", "x * 3", "x * 4")]);
    let text = fs::read_to_string(&patch).unwrap();
    fs::write(&patch, text.replace('\n', "\r\n")).unwrap();
    assert_eq!(kernel.pairs(&[&patch]).unwrap().units.len(), 1);
}

#[test]
fn parts_of_a_patch_that_are_no_code() {
    let kernel = SmallKernel::new(SOURCES);
    let code = kernel.patch("fix.patch", &[("mm/a.c", "x * 3", "x * 4")]);
    let code = fs::read_to_string(code).unwrap();
    kernel.write(
        "both.patch",
        &(edit("Documentation/mm/a.rst") + &edit("MAINTAINERS") + &code),
    );
    let notes = super::small_kernel::Notes::default();
    let request = kernel.request(&[&kernel.path("both.patch")]);
    let found = pairs(&request, &kernel.open(), &notes).unwrap().unwrap();
    assert_eq!(found.units.len(), 1);
    let notes = notes.0.into_inner().unwrap();
    let warnings: Vec<_> = notes
        .iter()
        .filter_map(|note| note.strip_prefix("warning "))
        .collect();
    let what = "not compiled into the kernel; this part of the patch is ignored";
    assert_eq!(
        warnings,
        [
            format!("Documentation/mm/a.rst: {what}"),
            format!("MAINTAINERS: {what}")
        ]
    );
}

#[test]
fn a_patch_that_does_not_apply() {
    let kernel = SmallKernel::new(SOURCES);
    let patch = "--- a/mm/a.c\n+++ b/mm/a.c\n@@ -4,3 +4,3 @@\n int small(int x)\n {\n-\treturn hidden * x;\n+\treturn x;\n";
    let refusals = kernel.refusals(patch);
    assert!(
        refusals[0].contains("does not apply: hunk 1, at line 4, expected 'return hidden * x;', but the file has 'return hidden + x;'"),
        "{refusals:?}"
    );
    // A context line that differs is fuzz.
    let patch = "--- a/mm/a.c\n+++ b/mm/a.c\n@@ -4,3 +4,3 @@\n long small(int x)\n {\n-\treturn hidden + x;\n+\treturn x;\n";
    assert!(kernel.refusals(patch)[0].contains("does not apply"));
    // Twice the same.
    let patch = kernel.patch("fix.patch", &[("mm/a.c", "x * 3", "x * 4")]);
    let refused = kernel.pairs(&[&patch, &patch]).map(|_| ()).unwrap_err();
    assert!(said(refused)[0].contains("fix.patch does not apply"));
}

#[test]
fn patches_that_make_move_and_delete_files() {
    let kernel = SmallKernel::new(SOURCES);
    let there = "--- /dev/null\n+++ b/mm/a.c\n@@ -0,0 +1 @@\n+int x;\n";
    assert!(kernel.refusals(there)[0].contains("the patch may have been applied already"));
    let gone = "--- a/mm/a.c\n+++ /dev/null\n@@ -1 +0,0 @@\n-int x;\n";
    assert!(kernel.refusals(gone)[0].starts_with("mm/a.c: is deleted"));
    let moved = "diff --git a/mm/a.c b/mm/z.c\nsimilarity index 100%\nrename from mm/a.c\nrename to mm/z.c\n";
    assert!(kernel.refusals(moved)[0].starts_with("mm/z.c: is renamed or copied"));
    // Nothing compiles a new file but a Makefile that names it.
    let new = "--- /dev/null\n+++ b/mm/new.c\n@@ -0,0 +1 @@\n+int x;\n";
    assert!(kernel.refusals(new)[0].contains("changes no code of this kernel"));
}

#[test]
fn a_patch_that_changes_nothing() {
    let kernel = SmallKernel::new(SOURCES);
    for (from, to) in [
        ("static int hidden;\n", "/* hidden */\nstatic int hidden;\n"),
        (
            "static int hidden;\n",
            "static int hidden;\n#ifdef CONFIG_NONE\nint none;\n#endif\n",
        ),
        ("x * 3", "3 * x"),
    ] {
        let patch = kernel.patch("fix.patch", &[("mm/a.c", from, to)]);
        let refused = kernel.pairs(&[&patch]).map(|_| ()).unwrap_err();
        let said = said(refused);
        assert!(
            said[0].starts_with("mm/a.c: the patch changes no code of this kernel"),
            "{said:?}"
        );
    }
}

#[test]
fn a_patch_that_does_not_compile() {
    let kernel = SmallKernel::new(SOURCES);
    let patch = kernel.patch("fix.patch", &[("mm/a.c", "x * 3", "y * 3")]);
    let said = said(kernel.pairs(&[&patch]).map(|_| ()).unwrap_err());
    assert!(
        said[0].starts_with("mm/a.o: does not compile with the patch: "),
        "{said:?}"
    );
    assert!(
        said[0].contains("mm/a.c:13:9: error: use of undeclared identifier 'y'"),
        "{said:?}"
    );
}

#[test]
fn a_tree_that_is_not_the_kernel_s() {
    let kernel = SmallKernel::new(SOURCES);
    let patch = kernel.patch("fix.patch", &[("mm/a.c", "x * 3", "x * 4")]);
    let text = fs::read_to_string(kernel.path("source/mm/a.c")).unwrap();
    kernel.write("source/mm/a.c", &text.replace("hidden + x", "hidden - x"));
    let refused = said(kernel.pairs(&[&patch]).map(|_| ()).unwrap_err());
    assert!(
        refused[0].starts_with("mm/a.o: compiled without the patch, the object differs"),
        "{refused:?}"
    );
    // Another compiler, or other options.
    kernel.write("source/mm/a.c", &text);
    let saved = kernel.path("build/mm/.a.o.cmd");
    let command = fs::read_to_string(&saved).unwrap();
    fs::write(&saved, command.replace("-O2", "-O0")).unwrap();
    let refused = said(kernel.pairs(&[&patch]).map(|_| ()).unwrap_err());
    assert!(
        refused[0].starts_with("mm/a.o: compiled without the patch, the object differs"),
        "{refused:?}"
    );
    fs::write(&saved, command).unwrap();
    assert!(kernel.pairs(&[&patch]).is_ok());
}

#[test]
fn a_header_that_very_many_include() {
    let kernel = SmallKernel::new(SOURCES);
    // It is refused before anything is compiled, so that they need no contents of their own.
    let (object, saved) = (
        kernel.path("build/fs/c.o"),
        kernel.path("build/fs/.c.o.cmd"),
    );
    let command = fs::read_to_string(saved).unwrap();
    let mut members = String::from("!<thin>\n");
    let mut names = String::new();
    let mut headers = String::new();
    for number in 0..101 {
        let name = format!("fs/c{number}.o");
        fs::copy(&object, kernel.path("build").join(&name)).unwrap();
        kernel.write(
            &format!("build/fs/.c{number}.o.cmd"),
            &command.replace("fs/c.", &format!("fs/c{number}.")),
        );
        writeln!(
            headers,
            "/{:<15}{:<12}{:<6}{:<6}{:<8}{:<10}`",
            names.len(),
            0,
            0,
            0,
            644,
            0
        )
        .unwrap();
        writeln!(names, "{name}/").unwrap();
    }
    if names.len() % 2 == 1 {
        names.push('\n');
    }
    write!(
        members,
        "{:<48}{:<10}`\n{names}{headers}",
        "//",
        names.len()
    )
    .unwrap();
    kernel.write("build/vmlinux.a", &members);
    let patch = kernel.patch("fix.patch", &[("inc.h", "x / 2", "x / 4")]);
    let refused = said(kernel.pairs(&[&patch]).map(|_| ()).unwrap_err());
    assert_eq!(
        refused,
        ["inc.h: 101 files of this kernel include it, and need about 6 minutes of processor time (give --all to compile them, and --jobs or --launcher for more processors)"]
    );
}

#[test]
fn refuses_texts_that_are_no_patch() {
    let kernel = SmallKernel::new(SOURCES);
    for (text, why) in [
        ("hello\n", "expected a patch in unified format"),
        (
            "--- a/../x.c\n+++ b/../x.c\n@@ -1 +1 @@\n-a\n+b\n",
            "expected a path as of git diff, below the source tree",
        ),
        (
            "--- a/x.c\n+++ b/x.c\n@@ -1,9 +1 @@\n-a\n+b\n",
            "expected a patch in unified format",
        ),
    ] {
        kernel.write("bad.patch", text);
        let error = pairs(
            &kernel.request(&[&kernel.path("bad.patch")]),
            &kernel.open(),
            &Silent,
        );
        let error = error.map(|_| ()).unwrap_err().to_string();
        assert!(
            error.contains("bad.patch: ") && error.contains(why),
            "{error}"
        );
    }
}
