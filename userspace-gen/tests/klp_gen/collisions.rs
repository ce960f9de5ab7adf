// SPDX-License-Identifier: GPL-2.0 OR MIT

//! `klp-gen collisions`, with scripts in the place of LLVM's tools: a bitcode file is here its magic
//! number, then what `llvm-nm` and `llvm-dis` print of it. The real ones are asked by `cargo xtask test
//! --lane suffix-reduction`.

use crate::elf::{Elf, Place, UNDEFINED};
use crate::schema::{schema, valid};
use crate::shell::{command, klp_gen, write_program, CLANG};
use object::elf;
use object::write::elf::{Encoder, FileHeader, FileHeaderLayout, SectionHeader, Sym};
use object::Endianness;
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
            "foo provide silent: static function in a.c (a.o); provide in vmlinux.lds:2, referred to in \
             undefined.o\n"
        );
        assert!(
            stderr.contains("the static silently takes the references to it")
                && !stderr.contains("takes the static's callers"),
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
        ["foo provide silent: static function in a.c (a.o); provide in vmlinux.lds:1, referred to in \
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

#[test]
fn an_object_of_32_bits() {
    let link = Link::new();
    link.write("arm.o", &assembler_of_32_bits());
    assert_eq!(
        link.found(1, "a.o arm.o"),
        ["foo strong loud: static function in a.c (a.o); strong in arm.o"]
    );
}

/// A big-endian object with a symbol foo.
fn assembler_of_32_bits() -> Vec<u8> {
    let encoder = Encoder::new(Endianness::Big, false, elf::EM_ARM);
    let (names, mut symbols) = (b"\0foo\0".to_vec(), Vec::new());
    encoder.null_symbol(&mut symbols);
    encoder.symbol(
        &mut symbols,
        &Sym {
            section: None,
            st_name: 1,
            st_info: elf::SymbolInfo::new(elf::STB_GLOBAL, elf::STT_FUNC),
            st_other: elf::SymbolOther(0),
            st_shndx: elf::SHN_ABS,
            st_value: 0,
            st_size: 0,
        },
    );
    let at = encoder.file_header_size();
    let section = |sh_type, sh_offset, sh_size, sh_link| SectionHeader {
        sh_name: 0,
        sh_type,
        sh_flags: elf::SectionFlags(0),
        sh_addr: 0,
        sh_offset,
        sh_size,
        sh_link,
        sh_info: 1,
        sh_addralign: 1,
        sh_entsize: 16,
    };
    let (end, length) = (at + symbols.len() as u64, names.len() as u64);
    let layout = FileHeaderLayout {
        e_phoff: 0,
        segment_num: 0,
        e_shoff: end + length,
        section_num: 3,
        shstrtab_index: 2,
    };
    let header = FileHeader {
        os_abi: elf::ELFOSABI_NONE,
        abi_version: 0,
        e_type: elf::ET_REL,
        e_machine: elf::EM_ARM,
        e_entry: 0,
        e_flags: elf::FileFlags(0),
    };
    let mut file = Vec::new();
    encoder.file_header(&mut file, &header, &layout).unwrap();
    file.extend_from_slice(&symbols);
    file.extend_from_slice(&names);
    encoder.null_section_header(&mut file, &layout);
    encoder.section_header(
        &mut file,
        &section(elf::SHT_SYMTAB, at, symbols.len() as u64, 2),
    );
    encoder.section_header(&mut file, &section(elf::SHT_STRTAB, end, length, 0));
    file
}

#[test]
fn an_object_with_code_and_bitcode() {
    let link = Link::new();
    link.assembler("strong.o", elf::STB_GLOBAL, true);
    let mut file = Elf::new(elf::ET_REL);
    let text = file.section(".text", elf::SHF_ALLOC | elf::SHF_EXECINSTR, &[0xc3; 16]);
    let inner = bitcode(
        "t foo\nT bar",
        &module("fat.c", "define internal i32 @foo()"),
    );
    let lto = file.section(".llvm.lto", elf::SHF_EXCLUDE, &inner);
    file.sections[lto].kind = elf::SectionType(0x6fff_4c0c);
    file.symbol(
        "foo",
        elf::STB_LOCAL,
        elf::STT_FUNC,
        Place::Section(text),
        0,
        1,
    );
    link.write("fat.o", &file.build());
    let status = command("ar")
        .current_dir(link.0.path())
        .args(["rcS", "fat.a", "fat.o"])
        .status();
    assert!(status.unwrap().success());
    for (input, inner) in [("fat.o", "fat.o"), ("fat.a", "fat.a(fat.o)")] {
        let found =
            format!("foo strong loud: static function in fat.c ({inner}); strong in strong.o");
        assert_eq!(
            link.found(1, &format!("--fat-lto-objects {input} strong.o")),
            [found]
        );
        // By itself, the linker takes the code.
        let (status, stdout, stderr) = link.run(&format!("{input} strong.o"));
        assert_eq!((status, stdout.as_str()), (Some(0), ""));
        let expected = format!("{inner}: has code and bitcode, of which the linker takes the code");
        assert!(stderr.contains(&expected), "{stderr}");
    }
    let found = link.found(0, "a.o fat.o");
    assert_eq!(
        found,
        ["foo local harmless: static function in a.c (a.o); local in fat.o"]
    );
    // What -fembed-bitcode adds is nothing to any linker.
    file.sections[lto].kind = elf::SHT_PROGBITS;
    file.sections[lto].name = ".llvmbc".to_owned();
    link.write("embedded.o", &file.build());
    let (status, stdout, stderr) = link.run("--fat-lto-objects embedded.o strong.o");
    assert_eq!((status, stdout.as_str()), (Some(0), ""));
    assert!(!stderr.contains("has code and bitcode"), "{stderr}");
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
fn what_can_be_read_once_is_read_once() {
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
        "references": [],
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
        "klp-gen: new.o is bitcode of LLVM97.1.2: expected llvm-nm and llvm-dis of LLVM 97 or later in \
         PATH, found llvm-nm 14.0.6, llvm-nm-14 (install LLVM 97, or say where it is: --llvm=DIR/)\n"
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
