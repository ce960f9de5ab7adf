// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The source tree and the build directory are read, and nothing else.

use super::affected::SOURCES;
use super::small_kernel::{Notes, SmallKernel};
use klp_gen::build::{pairs, KernelBuild};
use std::fs;

#[test]
fn nothing_is_written_into_the_trees() {
    let kernel = SmallKernel::new(SOURCES);
    let before = kernel.files();
    for edits in [
        ("mm/a.c", "hidden + x", "hidden - x"),
        ("one.c", "x + 1", "x + 9"),
        ("two_a.c", "+ 1", "+ 9"),
    ] {
        kernel.affected(&[edits]);
    }
    assert_eq!(kernel.files(), before);
}

#[test]
fn intermediate_files_are_kept_on_demand() {
    let kernel = SmallKernel::new(SOURCES);
    let patch = kernel.patch("fix.patch", &[("mm/a.c", "x * 3", "x * 4")]);
    let mut request = kernel.request(&[&patch]);
    request.keep = Some(kernel.path("kept"));
    let notes = Notes::default();
    let found = pairs(&request, &kernel.open(), &notes).unwrap().unwrap();
    drop(found);
    for name in [
        "source/mm/a.c",
        "overlay.yaml",
        "after/mm/a.o",
        "patched/vmlinux/mm/a.o",
    ] {
        assert!(kernel.path("kept").join(name).is_file(), "{name}");
    }
    let error = pairs(&request, &kernel.open(), &notes)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("expected a new or empty directory"),
        "{error}"
    );
}

#[test]
fn the_steps_are_told() {
    let kernel = SmallKernel::new(SOURCES);
    let patch = kernel.patch("fix.patch", &[("mm/a.c", "hidden + x", "hidden - x")]);
    let notes = Notes::default();
    let found = pairs(&kernel.request(&[&patch]), &kernel.open(), &notes).unwrap();
    assert!(found.is_ok());
    let notes = notes.0.into_inner().unwrap();
    let steps: Vec<_> = notes.iter().filter(|note| !note.starts_with('-')).collect();
    assert_eq!(
        steps,
        [
            "patch 1",
            "compile 1",
            "thin link 2",
            "compare indexes 1",
            "backends 4"
        ]
    );
    assert_eq!(
        notes.iter().filter(|note| note.ends_with("mm/a.o")).count(),
        3,
        "{notes:?}"
    );
}

#[test]
fn a_directory_that_is_no_build() {
    let kernel = SmallKernel::new(SOURCES);
    let open = || {
        KernelBuild::open(&kernel.path("build"), None)
            .map(|_| ())
            .unwrap_err()
            .to_string()
    };
    let error = KernelBuild::open(&kernel.path("source"), None)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("with vmlinux in it, found no vmlinux"),
        "{error}"
    );
    fs::write(kernel.path("build/.vmlinux.o.cmd"), "nothing\n").unwrap();
    assert!(open().contains("savedcmd_TARGET"), "{}", open());
    fs::remove_file(kernel.path("build/.vmlinux.o.cmd")).unwrap();
    assert!(
        open().contains("expected the .cmd file that kbuild writes"),
        "{}",
        open()
    );
    for object in ["mm/a.o", "fs/b.o", "fs/c.o"] {
        fs::write(kernel.path("build").join(object), "\x7fELF").unwrap();
    }
    assert!(
        open().contains("expected a kernel with CONFIG_LTO_CLANG_THIN"),
        "{}",
        open()
    );
}
