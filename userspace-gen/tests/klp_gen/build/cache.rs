// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The files that are kept from one build to the next, and when they are not used.

use super::affected::SOURCES;
use super::small_kernel::{function, unit, SmallKernel};
use std::fs;
use std::thread;

/// Returns how often the compiler was started since the last question.
fn starts(log: &std::path::Path) -> usize {
    let lines = fs::read_to_string(log).unwrap_or_default().lines().count();
    fs::write(log, "").unwrap();
    lines
}

#[test]
fn originals_are_compiled_once() {
    let mut kernel = SmallKernel::new(SOURCES);
    let log = kernel.launch();
    let patch = kernel.patch("1.patch", &[("mm/a.c", "hidden + x", "hidden - x")]);
    assert_eq!(kernel.pairs(&[&patch]).unwrap().units.len(), 2);
    // Before and after, then two objects of each.
    assert_eq!(starts(&log), 2 + 4);
    assert_eq!(kernel.pairs(&[&patch]).unwrap().units.len(), 2);
    assert_eq!(starts(&log), 1 + 2);
    // Of another patch, only what is new.
    let patch = kernel.patch("2.patch", &[("mm/a.c", "x * 3", "x * 4")]);
    assert_eq!(kernel.pairs(&[&patch]).unwrap().units.len(), 1);
    assert_eq!(starts(&log), 1 + 1);
    let patch = kernel.patch("3.patch", &[("one.c", "x + 1", "x + 4")]);
    assert_eq!(kernel.pairs(&[&patch]).unwrap().units.len(), 1);
    assert_eq!(starts(&log), 2 + 2);
    assert_eq!(kernel.pairs(&[&patch]).unwrap().units.len(), 1);
    assert_eq!(starts(&log), 1 + 1);
}

#[test]
fn a_proof_is_of_the_files_that_were_read() {
    let kernel = SmallKernel::new(SOURCES);
    let patch = kernel.patch("fix.patch", &[("mm/a.c", "x * 3", "x * 4")]);
    assert!(kernel.pairs(&[&patch]).is_ok());
    // A header that changes afterwards, as by a checkout.
    let header = fs::read_to_string(kernel.path("source/inc.h")).unwrap();
    kernel.write("source/inc.h", &(header + "int added = 1;\n"));
    let refused = kernel.pairs(&[&patch]).map(|_| ()).unwrap_err();
    assert!(
        refused[0]
            .reason
            .contains("compiled without the patch, the object differs"),
        "{refused:?}"
    );
}

#[test]
fn a_kernel_that_was_built_anew() {
    let kernel = SmallKernel::new(SOURCES);
    let patch = kernel.patch("fix.patch", &[("fs/b.c", "small(x) * 7", "small(x) * 9")]);
    let first = kernel.pairs(&[&patch]).unwrap();
    let code = |pairs| function(&unit(pairs, "fs/b.c").original, "user");
    let before = code(&first);
    // fs/b.o is the same, but imports another small().
    let text = fs::read_to_string(kernel.path("source/mm/a.c")).unwrap();
    kernel.write("source/mm/a.c", &text.replace("hidden + x", "hidden - x"));
    kernel.rebuild("mm/a.o");
    assert_ne!(code(&kernel.pairs(&[&patch]).unwrap()), before);
}

#[test]
fn two_builds_at_once() {
    let kernel = SmallKernel::new(SOURCES);
    let patch = kernel.patch("fix.patch", &[("mm/a.c", "hidden + x", "hidden - x")]);
    let codes: Vec<_> = thread::scope(|scope| {
        let build = || {
            let pairs = kernel.pairs(&[&patch]).unwrap();
            pairs
                .units
                .iter()
                .map(|unit| fs::read(&unit.original).unwrap())
                .collect::<Vec<_>>()
        };
        let builds: Vec<_> = (0..4).map(|_| scope.spawn(build)).collect();
        builds
            .into_iter()
            .map(|build| build.join().unwrap())
            .collect()
    });
    assert!(codes
        .iter()
        .all(|code| *code == codes[0] && code.len() == 2));
    // Nothing unfinished is left.
    assert_eq!(fs::read_dir(kernel.path("cache/new")).unwrap().count(), 0);
}
