// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Bitcode: what the linker sees of it, and what it does not.

use super::{module, Link};
use object::elf;

#[test]
fn a_file_may_refer_to_its_own_static_in_assembler() {
    let link = Link::new();
    link.bitcode(
        "own.o",
        "t foo\nT bar\nU foo",
        &module("own.c", "define internal i32 @foo()"),
    );
    assert_eq!(link.found(0, "own.o"), [""; 0]);
}

#[test]
fn assembler_in_c() {
    let link = Link::new();
    let text = "source_filename = \"c.c\"\ndefine i32 @main()";
    link.bitcode("local.o", "T main\nt foo", text);
    link.bitcode("strong.o", "T main\nT foo", text);
    link.bitcode("weak.o", "T main\nW foo", text);
    assert_eq!(
        link.found(0, "a.o local.o"),
        ["foo local harmless: static function in a.c (a.o); local in c.c (local.o)"]
    );
    assert_eq!(
        link.found(1, "a.o strong.o"),
        ["foo strong loud: static function in a.c (a.o); strong in c.c (strong.o)"]
    );
    assert_eq!(
        link.found(1, "a.o weak.o"),
        ["foo weak silent: static function in a.c (a.o); weak in c.c (weak.o)"]
    );
}

#[test]
fn globals_of_the_index_are_no_collision() {
    let link = Link::new();
    link.assembler("undefined.o", elf::STB_GLOBAL, false);
    link.bitcode("global.o", "T foo", "define i32 @foo()");
    link.bitcode(
        "other.o",
        "t foo\nT bar",
        &module("b.c", "define internal i32 @foo()"),
    );
    assert_eq!(link.found(0, "a.o global.o undefined.o"), [""; 0]);
    assert_eq!(link.found(0, "a.o other.o"), [""; 0]);
}

#[test]
fn a_static_that_keeps_its_name_does_not_count() {
    let link = Link::new();
    link.assembler("strong.o", elf::STB_GLOBAL, true);
    let used = "@llvm.used = appending global [1 x ptr] [ptr @foo], section \"llvm.metadata\"\n\
                define internal i32 @foo()";
    let placed = "define internal i32 @foo() section \".init.text\" {";
    for text in [
        module("a.c", used),
        module("a.c", placed),
        "define internal i32 @foo()".to_owned(),
    ] {
        link.bitcode("kept.o", "t foo\nT bar", &text);
        assert_eq!(link.found(0, "kept.o strong.o"), [""; 0], "{text}");
    }
}
