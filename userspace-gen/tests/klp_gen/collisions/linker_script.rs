// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Linker scripts, and the options of a linker that say the same.

use super::Link;
use object::elf;
use std::fs;

#[test]
fn a_linker_script() {
    let link = Link::new();
    link.write("vmlinux.lds", b"SECTIONS {\n . = 0;\n foo = .;\n}\n");
    assert_eq!(
        link.found(1, "--linker-script vmlinux.lds a.o"),
        ["foo script silent: static function in a.c (a.o); script in vmlinux.lds:3"]
    );
}

#[test]
fn a_linker_script_that_provides() {
    let link = Link::new();
    link.assembler("undefined.o", elf::STB_GLOBAL, false);
    link.assembler("strong.o", elf::STB_GLOBAL, true);
    for provide in ["PROVIDE", "PROVIDE_HIDDEN"] {
        let script = format!("SECTIONS {{ .text : {{\n {provide}(foo = .);\n}} }}");
        link.write("vmlinux.lds", script.as_bytes());
        // The static has the name, so that the script does not define it, and nobody misses that.
        assert_eq!(
            link.found(0, "--linker-script vmlinux.lds a.o"),
            ["foo provide harmless: static function in a.c (a.o); provide in vmlinux.lds:2"]
        );
        // Who wants the script's symbol gets the static.
        let (status, stdout, stderr) = link.run("--linker-script vmlinux.lds a.o undefined.o");
        assert_eq!(status, Some(1));
        assert_eq!(
            stdout,
            "foo provide silent: static function in a.c (a.o); provide in vmlinux.lds:2, referenced in \
             undefined.o\n"
        );
        assert!(
            stderr.contains("references to it silently become references to the static")
                && !stderr.contains("become references to the script's symbol"),
            "{stderr}"
        );
        // An object has the symbol already.
        assert_eq!(
            link.found(1, "--linker-script vmlinux.lds a.o undefined.o strong.o"),
            ["foo strong loud: static function in a.c (a.o); strong in strong.o"]
        );
    }
    // It would be the definition that keeps the script's from being made.
    let reserve = "--reserve out.o --linker-script vmlinux.lds a.o undefined.o -- ./clang";
    assert_eq!(link.run(reserve).0, Some(1));
    let object = fs::read(link.path("out.o")).unwrap();
    assert!(!String::from_utf8_lossy(&object).contains("foo"));
    // The script may be what wants it.
    link.write("vmlinux.lds", b"PROVIDE(foo = 1);\nbar = foo;\n");
    assert_eq!(
        link.found(1, "--linker-script vmlinux.lds a.o"),
        ["foo provide silent: static function in a.c (a.o); provide in vmlinux.lds:1, referenced in \
          vmlinux.lds:2"]
    );
}

#[test]
fn a_linker_script_that_refers() {
    let link = Link::new();
    link.assembler("strong.o", elf::STB_GLOBAL, true);
    for script in [
        "ENTRY(foo)",
        "ASSERT(foo < 4, \"\")",
        "bar = foo + 1;",
        "PROVIDE(bar = foo);",
    ] {
        link.write("vmlinux.lds", script.as_bytes());
        assert_eq!(
            link.found(1, "--linker-script vmlinux.lds a.o"),
            ["foo undefined silent: static function in a.c (a.o); undefined in vmlinux.lds:1"],
            "{script}"
        );
        assert_eq!(
            link.found(1, "--linker-script vmlinux.lds a.o strong.o"),
            ["foo strong loud: static function in a.c (a.o); strong in strong.o"],
            "{script}"
        );
    }
}

#[test]
fn an_option_of_the_linker() {
    let link = Link::new();
    assert_eq!(
        link.found(1, "--defsym foo=bar --defsym other=1 a.o"),
        ["foo script silent: static function in a.c (a.o); script in --defsym=foo=bar"]
    );
    let (status, _, stderr) = link.run("--defsym foo a.o");
    assert_eq!(status, Some(2));
    assert!(
        stderr.contains("--defsym=foo: expected NAME=EXPRESSION"),
        "{stderr}"
    );
}

#[test]
fn a_linker_script_that_includes_another() {
    let link = Link::new();
    link.write(
        "vmlinux.lds",
        b"\nINCLUDE own-part.lds\nINCLUDE vmlinux.lds\n",
    );
    link.write("own-part.lds", b"HIDDEN(foo = .);");
    assert_eq!(
        link.found(1, "--linker-script vmlinux.lds a.o"),
        ["foo script silent: static function in a.c (a.o); script in own-part.lds:1"]
    );
    fs::remove_file(link.path("own-part.lds")).unwrap();
    let (status, _, stderr) = link.run("--linker-script vmlinux.lds a.o");
    assert_eq!(status, Some(2));
    assert!(
        stderr.contains("vmlinux.lds:2: INCLUDE: cannot read own-part.lds: No such file"),
        "{stderr}"
    );
}
