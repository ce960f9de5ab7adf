// SPDX-License-Identifier: GPL-2.0 OR MIT

//! `klp-gen collisions`, with scripts in the place of LLVM's tools: a bitcode file is here its magic
//! number, then what `llvm-nm` and `llvm-dis` print of it. The real ones are asked by `cargo xtask test
//! --lane suffix-reduction`.

mod archives;
mod bitcode;
mod inputs;
mod linker_script;
mod objects;
mod reserve;
mod tools;

use crate::elf::{Elf, Place, UNDEFINED};
use crate::schema::{schema, valid};
use crate::shell::{klp_gen, write_program, CLANG};
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
    write("provide.lds", b"PROVIDE(foo = .);");
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
        let path = std::env::var_os("PATH").unwrap();
        self.run_in(
            path.to_str().unwrap(),
            &format!("--llvm {llvm} {arguments}"),
        )
    }

    /// The same with another `PATH`, relative to the directory.
    fn run_in(&self, path: &str, arguments: &str) -> (Option<i32>, String, String) {
        let output = klp_gen()
            .current_dir(self.0.path())
            .env("PATH", path)
            .arg("collisions")
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
fn json_has_both_sides() {
    let link = Link::new();
    link.assembler("strong.o", elf::STB_GLOBAL, true);
    let found = link.found(1, "--format json a.o strong.o").join("");
    let rows: serde_json::Value = serde_json::from_str(&found).unwrap();
    let expected = serde_json::json!([{
        "name": "foo", "kind": "strong", "effect": "loud",
        "statics": [{"type": "function", "input": "a.o", "source": "a.c", "line": null}],
        "others": [{"input": "strong.o", "source": null, "line": null}],
        "references": [],
    }]);
    assert_eq!(rows, expected);
    valid(&schema("collisions"), &rows).unwrap();
}
