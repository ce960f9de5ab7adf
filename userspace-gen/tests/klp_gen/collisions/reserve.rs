// SPDX-License-Identifier: GPL-2.0 OR MIT

//! `--reserve`: an object that keeps statics from taking a name.

use super::Link;
use object::elf;
use std::fs;

#[test]
fn names_are_reserved_where_that_is_a_cure() {
    let link = Link::new();
    link.assembler("strong.o", elf::STB_GLOBAL, true);
    link.assembler("weak.o", elf::STB_WEAK, true);
    for other in ["strong", "weak"] {
        let found = link.found(
            0,
            &format!("--reserve out.o a.o {other}.o -- ./clang -flto=thin"),
        );
        assert_eq!(
            found,
            [format!(
                "foo {other} reserved: static function in a.c (a.o); {other} in {other}.o"
            )]
        );
        let object = fs::read(link.path("out.o")).unwrap();
        let text = String::from_utf8_lossy(&object);
        assert!(
            text.contains("__asm__(\"foo\")") && text.contains("weak"),
            "{text}"
        );
    }
}

#[test]
fn names_are_not_reserved_where_that_would_hide_a_mistake() {
    let link = Link::new();
    link.assembler("undefined.o", elf::STB_GLOBAL, false);
    link.write("vmlinux.lds", b"foo = .;");
    for inputs in ["a.o undefined.o", "--linker-script vmlinux.lds a.o"] {
        let (status, _, stderr) = link.run(&format!("--reserve out.o {inputs} -- ./clang"));
        assert_eq!(status, Some(1));
        assert!(stderr.contains("rename the static"), "{stderr}");
        // It is there, for a rule of make, and reserves nothing.
        let object = fs::read(link.path("out.o")).unwrap();
        assert!(!String::from_utf8_lossy(&object).contains("foo"));
    }
}
