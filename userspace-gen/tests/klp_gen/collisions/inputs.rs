// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Inputs that are given twice, can be read once, or cannot be read.

use super::Link;
use crate::shell::{command, klp_gen};
use object::elf;

#[test]
fn an_input_that_is_given_twice_is_named_once() {
    let link = Link::new();
    link.assembler("strong.o", elf::STB_GLOBAL, true);
    assert_eq!(
        link.found(1, "a.o strong.o a.o strong.o"),
        ["foo strong loud: static function in a.c (a.o); strong in strong.o"]
    );
}

#[test]
fn reads_standard_input_once() {
    let link = Link::new();
    link.assembler("strong.o", elf::STB_GLOBAL, true);
    let klp_gen = env!("CARGO_BIN_EXE_klp-gen");
    for (before, input, after) in [
        ("", "-", "< a.o"),
        ("", "/dev/stdin", "< a.o"),
        ("cat a.o |", "-", ""),
        ("cat a.o |", "/dev/stdin", ""),
    ] {
        let script = format!("{before} {klp_gen} collisions --llvm ./ strong.o {input} {after}");
        let output = command("sh")
            .current_dir(link.0.path())
            .args(["-c", &script])
            .output()
            .unwrap();
        let found =
            format!("foo strong loud: static function in a.c ({input}); strong in strong.o\n");
        let stdout = String::from_utf8(output.stdout).unwrap();
        assert_eq!(stdout, found, "{script}");
    }
}

#[test]
fn what_cannot_be_read_is_named() {
    let link = Link::new();
    link.write("text.o", b"int main;");
    link.write("broken.a", b"!<arch>\nnonsense");
    link.write("odd.lds", b"foo = 1;\0");
    link.write("vmlinux.lds.S", b"\n#include <asm/vmlinux.lds.h>\n");
    link.write("empty.o", b"");
    link.write("coff.o", b"d\x06\0\0");
    link.write("damaged.o", b"\x7fELF\x02\x01");
    for (arguments, expected) in [
        ("absent.o", "absent.o: No such file"),
        (
            "text.o",
            "text.o: expected an ELF object, bitcode or an archive of them, found text that begins \
             with 'int main' (a linker script is given with --linker-script)",
        ),
        ("broken.a", "broken.a: expected an archive"),
        ("--linker-script absent.lds a.o", "absent.lds: No such file"),
        (
            "--linker-script a.o a.o",
            "a.o: expected the text of a linker script, found LLVM bitcode",
        ),
        (
            "--linker-script odd.lds a.o",
            "odd.lds: expected the text of a linker script, found binary data",
        ),
        (
            "--linker-script vmlinux.lds.S a.o",
            "vmlinux.lds.S:2: expected a preprocessed linker script, found '#include <asm/vmlinux.lds.h>'",
        ),
        ("damaged.o", "damaged.o: ELF object: "),
        ("empty.o", "archive of them, found an empty file"),
        (
            "coff.o",
            "archive of them, found 4 bytes that begin with 'd\\u{6}",
        ),
        ("--reserve out.o a.o -- ./absent", "cannot run ./absent"),
    ] {
        let (status, stdout, stderr) = link.run(arguments);
        assert_eq!(
            (status, stdout.as_str()),
            (Some(2), ""),
            "{arguments}: {stderr}"
        );
        assert!(stderr.contains(expected), "{arguments}: {stderr}");
    }
    assert!(!link.path("out.o").exists());
    let (status, _, stderr) = link.run_with("none/", "a.o");
    assert_eq!(status, Some(2));
    assert!(
        stderr.contains("cannot run none/llvm-nm (give the place of LLVM"),
        "{stderr}"
    );
}

#[test]
fn warns_of_linked_files_without_bitcode() {
    let files = crate::kernel::Files::new();
    let mut command = klp_gen();
    command.current_dir(files.directory.path());
    let output = command.args(["collisions", "net-mod.ko"]).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(stderr.contains("warning: no input is bitcode"), "{stderr}");
    let output = command.arg("vmlinux").output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr.contains(
            "vmlinux: expected an object to be linked, found a file that was linked already"
        ),
        "{stderr}"
    );
}
