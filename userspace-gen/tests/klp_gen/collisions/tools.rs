// SPDX-License-Identifier: GPL-2.0 OR MIT

//! LLVM's tools: which ones are run, and what is said if they fail.

use super::{bitcode, module, Link, LLVM_DIS, LLVM_NM};
use crate::shell::{command, write_program};
use object::elf;
use std::fs;

#[test]
fn a_tool_that_fails_is_an_error() {
    let link = Link::new();
    let failing = "#!/bin/sh\necho 'error: unknown attribute kind' >&2; exit 1\n";
    write_program(&link.path("llvm-nm"), failing);
    let (status, _, stderr) = link.run("a.o");
    assert_eq!(status, Some(2));
    assert!(
        stderr.contains("llvm-nm failed (exit status: 1): error: unknown"),
        "{stderr}"
    );
    assert!(
        stderr.contains("LLVM of the compiler's version or later: --llvm=-22"),
        "{stderr}"
    );
}

/// Bitcode of LLVM 97, which no machine has.
fn of_llvm_97(nm: &str, text: &str) -> Vec<u8> {
    let mut bits = Bits::default();
    bits.put(32, 0xdec0_4342);
    // The identification block.
    bits.put(2, 1);
    bits.variable(8, 13);
    bits.variable(4, 3);
    bits.put(bits.0.len().next_multiple_of(32) - bits.0.len(), 0);
    bits.put(32, 0);
    // A record without an abbreviation: its code, its length, its letters.
    bits.put(3, 3);
    let letters = b"LLVM97.1.2";
    for number in [&[1, 10], &letters.map(u64::from)[..]].concat() {
        bits.variable(6, number);
    }
    bits.put(3, 0);
    let bytes = bits.0.chunks(8).map(|byte| {
        let bit = |value, (at, &set): (u32, &bool)| value | u8::from(set) << at;
        (0..).zip(byte).fold(0, bit)
    });
    let lines = bitcode(nm, text);
    bytes.chain(lines[4..].iter().copied()).collect()
}

/// Numbers of any width, the lowest bit first.
#[derive(Default)]
struct Bits(Vec<bool>);

impl Bits {
    fn put(&mut self, width: usize, value: u64) {
        self.0.extend((0..width).map(|bit| value >> bit & 1 == 1));
    }

    fn variable(&mut self, width: usize, mut value: u64) {
        let more = 1 << (width - 1);
        while value >= more {
            self.put(width, (value % more) | more);
            value /= more;
        }
        self.put(width, value);
    }
}

#[test]
fn the_tools_are_those_of_the_bitcodes_version() {
    let link = Link::new();
    let function = module("new.c", "define internal i32 @foo()");
    link.write("new.o", &of_llvm_97("t foo\nT bar", &function));
    link.assembler("strong.o", elf::STB_GLOBAL, true);
    for name in ["llvm-nm", "llvm-dis"] {
        fs::remove_file(link.path(name)).unwrap();
    }
    let place = |directory: &str, suffix: &str, version: &str, works: bool| {
        fs::create_dir_all(link.path(directory)).unwrap();
        for (name, works_as) in [("llvm-nm", LLVM_NM), ("llvm-dis", LLVM_DIS)] {
            let body = if works {
                works_as.strip_prefix("#!/bin/sh\n").unwrap()
            } else {
                "echo 'error: Unknown attribute kind (99)' >&2; exit 1"
            };
            let says = format!("case $1 in --version) echo LLVM version {version}; exit;; esac");
            let program = format!("#!/bin/sh\n{says}\n{body}\n");
            write_program(&link.path(&format!("{directory}/{name}{suffix}")), &program);
        }
    };
    let found = "foo strong loud: static function in new.c (new.o); strong in strong.o\n";
    let is_found = |path: &str, arguments: &str| {
        let path = format!("{path}:/usr/bin:/bin");
        let (status, stdout, stderr) = link.run_in(&path, &format!("{arguments}new.o strong.o"));
        assert_eq!(
            (status, stdout.as_str()),
            (Some(1), found),
            "{path}: {stderr}"
        );
    };
    place("old", "", "14.0.6", false);
    place("old", "-14", "14.0.6", false);
    // None is new enough; nothing else is in this PATH.
    let (status, _, stderr) = link.run_in("old", "new.o a.o strong.o");
    assert_eq!(status, Some(2));
    assert_eq!(
        stderr,
        "klp-gen: new.o is bitcode of LLVM97.1.2: expected llvm-nm and llvm-dis of LLVM 97 or later in PATH, found llvm-nm 14.0.6, llvm-nm-14 (install LLVM 97, or give its place with --llvm=DIR/)\n"
    );
    let (_, _, stderr) = link.run_in("none", "new.o");
    assert!(
        stderr.contains("in PATH, found none (install LLVM 97"),
        "{stderr}"
    );
    // One that was asked for is taken, and says what is wrong if it fails.
    let path = "old:/usr/bin:/bin";
    for (llvm, program) in [("-14", "llvm-nm-14"), ("old/", "old/llvm-nm")] {
        let (status, _, stderr) = link.run_in(path, &format!("--llvm {llvm} a.o new.o"));
        assert_eq!(status, Some(2));
        let expected = format!(
            "Unknown attribute kind (99) (new.o is bitcode of LLVM97.1.2, {program} is of LLVM 14.0.6: \
             give LLVM 97 or later, --llvm=-97 or --llvm=DIR/)"
        );
        assert!(stderr.contains(&expected), "{stderr}");
    }
    // The version's own suffix comes before a later one, whose tools fail here.
    place("old", "-98", "98.1.0", false);
    place("old", "-97", "97.1.0", true);
    for arguments in ["", "--llvm=1 "] {
        is_found("old", arguments);
    }
    // A default that is new enough comes first.
    place("new", "", "97.0.0git", true);
    place("new", "-97", "97.1.0", false);
    is_found("new", "");
    // One of the two tools is not enough.
    place("half", "", "14.0.6", false);
    place("half", "-97", "97.1.0", false);
    place("half", "-98", "98.1.0", true);
    fs::remove_file(link.path("half/llvm-dis-97")).unwrap();
    is_found("half", "");
}

#[test]
fn of_several_tools_the_newest_reads_what_does_not_say_its_version() {
    let link = Link::new();
    link.assembler("strong.o", elf::STB_GLOBAL, true);
    for (name, text) in [("llvm-nm", LLVM_NM), ("llvm-dis", LLVM_DIS)] {
        fs::remove_file(link.path(name)).unwrap();
        write_program(&link.path(&format!("{name}-98")), text);
        write_program(&link.path(&format!("{name}-9")), "#!/bin/sh\nexit 1\n");
        // What is only named alike.
        write_program(&link.path(&format!("{name}-99x")), "#!/bin/sh\nexit 1\n");
    }
    for tool in ["sed", "tr", "sh"] {
        let path = command("sh")
            .args(["-c", &format!("command -v {tool}")])
            .output()
            .unwrap()
            .stdout;
        let path = String::from_utf8(path).unwrap();
        std::os::unix::fs::symlink(path.trim_end(), link.path(tool)).unwrap();
    }
    let (status, stdout, stderr) = link.run_in(".", "a.o strong.o");
    assert_eq!(status, Some(1), "{stderr}");
    assert_eq!(
        stdout,
        "foo strong loud: static function in a.c (a.o); strong in strong.o\n"
    );
}
