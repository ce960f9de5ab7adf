// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The command: what it prints where, and its exit statuses.

use super::affected::SOURCES;
use super::small_kernel::SmallKernel;
use crate::schema::{schema, valid};
use crate::shell::klp_gen;
use serde_json::Value;

/// Returns the exit status, stdout and stderr of `klp-gen build` in the directory of a kernel.
fn run(kernel: &SmallKernel, arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut command = klp_gen();
    command.current_dir(kernel.directory.path());
    command.env("XDG_CACHE_HOME", kernel.path("cache"));
    let output = command.arg("build").args(arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

/// Returns a kernel with a patch that changes nothing.
fn kernel() -> SmallKernel {
    let kernel = SmallKernel::new(SOURCES);
    kernel.patch("same.patch", &[("mm/a.c", "x * 3", "3 * x")]);
    kernel
}

#[test]
fn a_refusal_for_people() {
    let kernel = kernel();
    let arguments = ["same.patch", "--kernel", "build", "--source", "source"];
    let (status, stdout, stderr) = run(&kernel, &arguments);
    assert_eq!((status, stdout.as_str()), (Some(1), ""), "{stderr}");
    // A line for each step, as in a log, and the refusal last.
    let lines: Vec<_> = stderr.lines().collect();
    assert!(lines[0].starts_with("klp-gen: patch 1: "), "{stderr}");
    assert!(lines[1].starts_with("klp-gen: compile 1: "), "{stderr}");
    assert!(
        lines[2].starts_with("klp-gen: mm/a.c: the patch changes no code"),
        "{stderr}"
    );
    assert!(!kernel.path("livepatch-same.ko").exists());
    let (_, _, stderr) = run(&kernel, &[&arguments[..], &["--quiet"]].concat());
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
}

#[test]
fn a_refusal_for_programs() {
    let kernel = kernel();
    let arguments = "--dry-run same.patch --kernel build --source source --format json";
    let arguments: Vec<_> = arguments.split(' ').collect();
    let (status, stdout, _) = run(&kernel, &arguments);
    assert_eq!(status, Some(1));
    let answer: Value = serde_json::from_str(&stdout).unwrap();
    valid(&schema("build"), &answer).unwrap();
    assert_eq!(answer["refusals"][0]["subject"], "mm/a.c");
    assert_eq!(answer["output"], Value::Null);
}

#[test]
fn errors_exit_with_status_2() {
    let kernel = kernel();
    for (arguments, why) in [
        ("same.patch --kernel source", "found no vmlinux"),
        ("none.patch --kernel build", "none.patch"),
        (
            "same.patch --kernel build -o same.patch",
            "it is the input same.patch",
        ),
        (
            "same.patch --kernel build --source source --keep a\u{a0}b",
            "expected a directory without spaces in its path",
        ),
        (
            "same.patch --kernel build --name a.b",
            "expected the name of a module, of letters",
        ),
        (
            "same.patch --kernel build --launcher '",
            "expected a command in the shell's quotes",
        ),
    ] {
        let arguments: Vec<_> = arguments.split(' ').collect();
        let (status, stdout, stderr) = run(&kernel, &arguments);
        assert_eq!((status, stdout.as_str()), (Some(2), ""), "{stderr}");
        assert!(stderr.contains(why), "{stderr}");
    }
}
