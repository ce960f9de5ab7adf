// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Command lines as people type them, in a directory with the files that help and documents name.

use crate::kernel::{self, Files};
use crate::livepatch::Livepatch;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// In the place of a compiler: what it makes of a source is a magic number and the source.
pub const CLANG: &str = r#"#!/bin/sh
while [ "$1" != -o ]; do shift; done
{ printf 'BC\300\336\n'; cat "$3"; } > "$2"
"#;

/// Returns the directory docs/.
pub fn documents() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs")
}

/// A kernel, a module of it, a livepatch as modpost leaves it, one that has been converted, one that
/// will be refused, a boot image, the kernel of docs/rules.md, one with few suffixes, one of a release that klp-gen does not
/// know, and a compiler with what a kernel is linked
/// of: nothing.
pub fn files() -> Files {
    let files = Files::new();
    let livepatch = Livepatch::of("cmdline_proc_show")
        .call("promoted")
        .call("_printk")
        .call(".klp.sym.vmlinux.init_once.llvm.*,3");
    files.write("livepatch.ko", &livepatch.build());
    files.write("refused.ko", &Livepatch::of("init_once").build());
    let mut vmlinuz = vec![0; 0x400];
    vmlinuz[0x202..0x206].copy_from_slice(b"HdrS");
    files.write("vmlinuz", &vmlinuz);
    let kallsyms = fs::read(documents().join("bpf.kallsyms")).unwrap();
    files.write("bpf.kallsyms", &kallsyms);
    for directory in ["lib", "arch/x86/kernel", "reduced"] {
        fs::create_dir_all(files.path(directory)).unwrap();
    }
    for empty in ["vmlinux.a", "lib/lib.a"] {
        files.write(empty, b"!<arch>\n");
    }
    files.write("arch/x86/kernel/vmlinux.lds", b"_text = .;");
    files.write("modules.order", b"net-mod.o\n");
    files.write("modules.builtin", b"kernel/fs/ext4/ext4.ko\n");
    files.write("reduced/vmlinux", &kernel::reduced().build());
    let other_release = kernel::with_vermagic("6.18.1 SMP mod_unload ");
    files.write("vmlinux-6.18", &other_release.build());
    write_program(&files.path("clang-22"), CLANG);
    let (status, _) = run(
        &files,
        "klp-gen convert -q livepatch.ko -o out.ko --vmlinux vmlinux",
    );
    assert_eq!(status, Some(0));
    files
}

/// Writes something that can be run.
///
/// Another process does. If this one had the file open for writing, so had a child that another test
/// starts at that moment, until it runs something else: "text file busy".
pub fn write_program(path: &Path, text: &str) {
    let mut shell = command("sh");
    shell.args(["-c", r#"printf %s "$1" > "$0" && chmod 755 "$0""#]);
    assert!(shell.arg(path).arg(text).status().unwrap().success());
}

/// A program to run, with an environment that is the same on every machine: whether there are colours,
/// say, hangs on `NO_COLOR`, `CLICOLOR`, `CLICOLOR_FORCE`, `CI` and `TERM`.
pub fn command(program: &str) -> Command {
    let mut command = Command::new(program);
    command.env_clear();
    command.env("PATH", std::env::var_os("PATH").unwrap());
    command
}

/// klp-gen, with that environment.
pub fn klp_gen() -> Command {
    command(env!("CARGO_BIN_EXE_klp-gen"))
}

/// A shell that finds klp-gen and will run `script` in the directory of `files`.
pub fn shell(files: &Files, script: &str) -> Command {
    let directory = Path::new(env!("CARGO_BIN_EXE_klp-gen")).parent().unwrap();
    let mut path = OsString::from(directory);
    path.push(":.:");
    path.push(std::env::var_os("PATH").unwrap());
    let mut command = command("sh");
    command.current_dir(files.directory.path());
    command.env("PATH", path).args(["-c", script]);
    command
}

/// The exit status of `script`, and what it printed on stdout and stderr.
pub fn run(files: &Files, script: &str) -> (Option<i32>, String) {
    let output = output(files, &format!("exec 2>&1\n{script}"));
    let text = String::from_utf8(output.stdout).unwrap();
    (output.status.code(), text)
}

/// Returns the result of `script`.
pub fn output(files: &Files, script: &str) -> Output {
    shell(files, script).output().unwrap()
}
