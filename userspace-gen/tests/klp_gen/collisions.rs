// SPDX-License-Identifier: GPL-2.0 OR MIT

//! `klp-gen collisions`, with scripts in the place of LLVM's tools: a bitcode file is here its magic
//! number, then what `llvm-nm` and `llvm-dis` print of it. The real ones are asked by `cargo xtask test
//! --lane suffix-reduction`.

use crate::elf::{Elf, Place, UNDEFINED};
use crate::schema::{schema, valid};
use crate::shell::{command, klp_gen, write_program, CLANG};
use object::elf;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

const LLVM_NM: &str = r#"#!/bin/sh
for argument; do list=$argument; done
eval "set -- $(tr '\n' ' ' < "${list#@}")"
for file; do
	sed -n "/^nm:/s|^nm:|$file: |p" "$file"
done
"#;
const LLVM_DIS: &str = r#"#!/bin/sh
for file; do
	sed -n 's/^ll://p' "$file" > "${file%.bc}.ll"
done
"#;
/// Fills a directory with tools and inputs that collide in every way, for the test of the schema.
pub fn fill(directory: &Path) {
    for (name, text) in [("llvm-nm", LLVM_NM), ("llvm-dis", LLVM_DIS)] {
        write_program(&directory.join(name), text);
    }
    let write = |name: &str, data: &[u8]| fs::write(directory.join(name), data).unwrap();
    let function = module("a.c", "define internal i32 @foo()");
    write("function.o", &bitcode("t foo\nT bar", &function));
    let variable = module("a.c", "@foo = internal global i32 0");
    write("variable.o", &bitcode("T bar\nd foo", &variable));
    write("local.o", &bitcode("T main\nt foo", "define i32 @main()"));
    write("strong.o", &assembler(elf::STB_GLOBAL, true));
    write("weak.o", &assembler(elf::STB_WEAK, true));
    write("undefined.o", &assembler(elf::STB_GLOBAL, false));
    write("foo.lds", b"foo = .;");
}

/// An object with a symbol foo.
fn assembler(bind: elf::SymbolBind, defined: bool) -> Vec<u8> {
    let mut file = Elf::new(elf::ET_REL);
    let text = file.section(".text", elf::SHF_ALLOC | elf::SHF_EXECINSTR, &[0xc3; 16]);
    let place = if defined {
        Place::Section(text)
    } else {
        UNDEFINED
    };
    file.symbol("foo", bind, elf::STT_FUNC, place, 0, 1);
    file.build()
}

/// A directory with tools and inputs.
struct Link(TempDir);

impl Link {
    fn new() -> Self {
        let link = Self(TempDir::new().unwrap());
        for (name, text) in [
            ("llvm-nm", LLVM_NM),
            ("llvm-dis", LLVM_DIS),
            ("clang", CLANG),
        ] {
            write_program(&link.path(name), text);
        }
        // A static function that other files may import, and its caller.
        link.bitcode(
            "a.o",
            "t foo\nT bar",
            &module("a.c", "define internal i32 @foo()"),
        );
        link
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, data: &[u8]) {
        fs::write(self.path(name), data).unwrap();
    }

    fn bitcode(&self, name: &str, nm: &str, text: &str) {
        self.write(name, &bitcode(nm, text));
    }

    fn assembler(&self, name: &str, bind: elf::SymbolBind, defined: bool) {
        self.write(name, &assembler(bind, defined));
    }

    /// The exit status, stdout and stderr.
    fn run(&self, arguments: &str) -> (Option<i32>, String, String) {
        self.run_with("./", arguments)
    }

    fn run_with(&self, llvm: &str, arguments: &str) -> (Option<i32>, String, String) {
        let output = klp_gen()
            .current_dir(self.0.path())
            .args(["collisions", "--llvm", llvm])
            .args(arguments.split(' '))
            .output()
            .unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (
            output.status.code(),
            text(output.stdout),
            text(output.stderr),
        )
    }

    /// The lines of stdout, with exit status `expected`.
    fn found(&self, expected: i32, arguments: &str) -> Vec<String> {
        let (status, stdout, stderr) = self.run(arguments);
        assert_eq!(status, Some(expected), "{stdout}{stderr}");
        stdout.lines().map(str::to_owned).collect()
    }
}

fn bitcode(nm: &str, text: &str) -> Vec<u8> {
    let mut data = b"BC\xc0\xde\n".to_vec();
    for line in nm.lines() {
        let dashes = if line.starts_with(['U', 'w']) {
            "                "
        } else {
            "----------------"
        };
        data.extend_from_slice(format!("nm:{dashes} {line}\n").as_bytes());
    }
    for line in text.lines() {
        data.extend_from_slice(format!("ll:{line}\n").as_bytes());
    }
    data
}

/// A module whose function `bar`, which others may import, refers to `foo`.
fn module(source: &str, definition: &str) -> String {
    format!(
        "source_filename = \"{source}\"\n{definition}\ndefine i32 @bar()\n\
         ^1 = gv: (name: \"foo\", summaries: (flags: (notEligibleToImport: 0)))\n\
         ^2 = gv: (name: \"bar\", summaries: (flags: (notEligibleToImport: 0), refs: (^1)))"
    )
}

#[test]
fn a_global_in_assembler() {
    let link = Link::new();
    link.assembler("strong.o", elf::STB_GLOBAL, true);
    link.assembler("weak.o", elf::STB_WEAK, true);
    assert_eq!(
        link.found(1, "a.o strong.o"),
        ["foo strong loud: static function in a.c (a.o); strong in strong.o"]
    );
    assert_eq!(
        link.found(1, "a.o weak.o"),
        ["foo weak silent: static function in a.c (a.o); weak in weak.o"]
    );
}

#[test]
fn a_common_symbol_yields_to_the_static() {
    let link = Link::new();
    let mut file = Elf::new(elf::ET_REL);
    let common = Place::Special(0xfff2);
    file.symbol("foo", elf::STB_GLOBAL, elf::STT_OBJECT, common, 8, 8);
    link.write("common.o", &file.build());
    assert_eq!(
        link.found(1, "a.o common.o"),
        ["foo weak silent: static function in a.c (a.o); weak in common.o"]
    );
}

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
fn a_reference_to_what_nobody_defines() {
    let link = Link::new();
    link.assembler("undefined.o", elf::STB_GLOBAL, false);
    link.assembler("strong.o", elf::STB_GLOBAL, true);
    let found = "foo undefined silent: static function in a.c (a.o); undefined in undefined.o";
    assert_eq!(link.found(1, "a.o undefined.o"), [found]);
    // What is defined is not meant to be the static.
    assert_eq!(link.found(1, "a.o undefined.o strong.o").len(), 1);
    // C may refer to it, too.
    link.bitcode(
        "c.o",
        "U foo",
        "source_filename = \"c.c\"\ndeclare i32 @foo()",
    );
    let found = "foo undefined silent: static function in a.c (a.o); undefined in c.c (c.o)";
    assert_eq!(link.found(1, "a.o c.o"), [found]);
}

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
fn a_linker_script() {
    let link = Link::new();
    link.write("vmlinux.lds", b"SECTIONS {\n . = 0;\n foo = .;\n}\n");
    assert_eq!(
        link.found(1, "--linker-script vmlinux.lds a.o"),
        ["foo script silent: static function in a.c (a.o); script in vmlinux.lds:3"]
    );
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
fn what_the_index_sees_is_no_collision() {
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

#[test]
fn json_has_both_sides() {
    let link = Link::new();
    link.assembler("strong.o", elf::STB_GLOBAL, true);
    let found = link.found(1, "--format json a.o strong.o").join("");
    let rows: serde_json::Value = serde_json::from_str(&found).unwrap();
    let expected = serde_json::json!([{
        "name": "foo", "kind": "strong", "effect": "loud",
        "statics": [{"type": "function", "input": "a.o", "source": "a.c", "line": null}],
        "others": [{"input": "strong.o", "source": null, "line": null}],
    }]);
    assert_eq!(rows, expected);
    valid(&schema("collisions"), &rows).unwrap();
}

#[test]
fn what_cannot_be_read_is_named() {
    let link = Link::new();
    link.write("text.o", b"int main;");
    link.write("broken.a", b"!<arch>\nnonsense");
    link.write("odd.lds", b"foo = 1;\0");
    for (arguments, expected) in [
        ("absent.o", "absent.o: No such file"),
        (
            "text.o",
            "text.o: expected an ELF object, bitcode or an archive of them",
        ),
        ("broken.a", "broken.a: expected an archive"),
        ("--linker-script absent.lds a.o", "absent.lds: No such file"),
        (
            "--linker-script a.o a.o",
            "a.o: expected the text of a linker script, found LLVM bitcode",
        ),
        (
            "--linker-script odd.lds a.o",
            "odd.lds: expected the text of a linker script, found something else",
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
        stderr.contains("cannot run none/llvm-nm: say where LLVM is"),
        "{stderr}"
    );
}

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

#[test]
fn what_was_linked_already_tells_nothing() {
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
        stderr
            .contains("vmlinux: expected an object to be linked, found one that is linked already"),
        "{stderr}"
    );
}
