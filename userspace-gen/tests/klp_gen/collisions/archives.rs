// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Archives, of which the linker takes what it needs.

use super::Link;
use crate::shell::command;
use object::elf;

#[test]
fn a_member_of_an_archive_need_not_be_linked() {
    let link = Link::new();
    link.assembler("strong.o", elf::STB_GLOBAL, true);
    link.assembler("weak.o", elf::STB_WEAK, true);
    link.assembler("undefined.o", elf::STB_GLOBAL, false);
    link.bitcode("global.o", "T foo", "define i32 @foo()");
    let mut ar = command("ar");
    let status = ar
        .current_dir(link.0.path())
        .args(["rcS", "lib.a", "global.o"])
        .status();
    assert!(status.unwrap().success());
    for (other, effect) in [("strong", "loud"), ("weak", "silent")] {
        assert_eq!(
            link.found(1, &format!("a.o {other}.o lib.a")),
            [format!(
                "foo {other} {effect}: static function in a.c (a.o); {other} in {other}.o"
            )]
        );
        assert_eq!(link.found(0, &format!("a.o {other}.o global.o")), [""; 0]);
    }
    // The reference makes the linker take it.
    assert_eq!(link.found(0, "a.o undefined.o lib.a"), [""; 0]);
}

#[test]
fn archives_of_both_sorts() {
    let link = Link::new();
    link.assembler("strong.o", elf::STB_GLOBAL, true);
    for (options, name) in [("rcS", "regular.a"), ("rcST", "thin.a")] {
        let status = command("ar")
            .current_dir(link.0.path())
            .args([options, name, "a.o", "strong.o"])
            .status();
        assert!(status.unwrap().success());
        let found = format!(
            "foo strong loud: static function in a.c ({name}(a.o)); strong in {name}(strong.o)"
        );
        assert_eq!(link.found(1, name), [found]);
    }
}
