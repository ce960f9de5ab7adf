// SPDX-License-Identifier: GPL-2.0 OR MIT

//! A name taken apart, and put together again.

use crate::{
    cases::CASES,
    random, //
};
use klp_policy::{
    NameClass,
    ParsedName, //
};
use proptest::prelude::*;

/// The parts of a C name in the order in which they stand in it, dots left out; `-` for none.
fn parts(name: &str) -> [&str; 6] {
    let text = |bytes| std::str::from_utf8(bytes).unwrap();
    let parsed = ParsedName::new(name.as_bytes());
    assert_eq!(
        (parsed.unique, parsed.module),
        (&b""[..], &b""[..]),
        "{name}"
    );
    [
        parsed.function.map_or("-", text),
        text(parsed.base),
        parsed.id.map_or("-", text),
        text(parsed.pass),
        parsed.hash.map_or("-", text),
        text(parsed.after),
    ]
}

#[test]
fn cases() {
    for (name, expected) in [
        ("", ["-", "", "-", "", "-", ""]),
        ("foo", ["-", "foo", "-", "", "-", ""]),
        ("foo.llvm.12", ["-", "foo", "-", "", "12", ""]),
        ("foo.llvm.12.cold", ["-", "foo", "-", "", "12", ".cold"]),
        ("foo.llvm.1.llvm.2", ["-", "foo", "-", "", "1", ".llvm.2"]),
        ("foo.cold", ["-", "foo", "-", ".cold", "-", ""]),
        ("foo.part.0", ["-", "foo", "-", ".part.0", "-", ""]),
        (
            "foo.constprop.0.isra.0",
            ["-", "foo", "-", ".constprop.0.isra.0", "-", ""],
        ),
        ("foo.part.0.llvm.9", ["-", "foo", "-", ".part.0", "9", ""]),
        ("foo.4", ["-", "foo", "4", "", "-", ""]),
        ("var.100135", ["-", "var", "100135", "", "-", ""]),
        ("foo.4.cold", ["-", "foo", "4", ".cold", "-", ""]),
        ("f.var", ["f", "var", "-", "", "-", ""]),
        ("f.var.32", ["f", "var", "32", "", "-", ""]),
        // Members of structs that GlobalOpt made variables of.
        ("x.0.1", ["-", "x", "0.1", "", "-", ""]),
        ("f.var.0.1.llvm.9a", ["f", "var", "0.1", "", "9a", ""]),
        ("f.var.32.llvm.9a", ["f", "var", "32", "", "9a", ""]),
        (
            "f.__already_done",
            ["f", "__already_done", "-", "", "-", ""],
        ),
        (".str", ["-", ".str", "-", "", "-", ""]),
        (".str.7", ["-", ".str", "7", "", "-", ""]),
        (".str.7.llvm.1", ["-", ".str", "7", "", "1", ""]),
        (".x.y", ["-", ".x.y", "-", "", "-", ""]),
        ("foo.llvm.xyz", ["-", "foo.llvm.xyz", "-", "", "-", ""]),
        ("foo.", ["-", "foo.", "-", "", "-", ""]),
        (".llvm.1", ["-", ".llvm", "1", "", "-", ""]),
        ("cold", ["-", "cold", "-", "", "-", ""]),
        ("cold.1", ["-", "cold", "1", "", "-", ""]),
        (".cold", ["-", ".cold", "-", "", "-", ""]),
        ("1.2", ["-", "1", "2", "", "-", ""]),
        // LLVM's passes that change a signature, or make an entry in a jump table.
        ("f.argprom", ["-", "f", "-", ".argprom", "-", ""]),
        (
            "f.argelim.retelim.argprom",
            ["-", "f", "-", ".argelim.retelim.argprom", "-", ""],
        ),
        ("f.cfi_jt", ["-", "f", "-", ".cfi_jt", "-", ""]),
        ("f.cfi", ["-", "f", "-", ".cfi", "-", ""]),
        (
            "f.specialized.2",
            ["-", "f", "-", ".specialized.2", "-", ""],
        ),
        ("f.__part.1", ["-", "f", "-", ".__part.1", "-", ""]),
        ("f.memprof.3", ["-", "f", "-", ".memprof.3", "-", ""]),
        ("f.Tgm", ["-", "f", "-", ".Tgm", "-", ""]),
        ("f.content.5b1a", ["-", "f", "-", ".content.5b1a", "-", ""]),
        ("f.content", ["f", "content", "-", "", "-", ""]),
        ("f.var.cold", ["f", "var", "-", ".cold", "-", ""]),
        // GCC's variables for the name of a function.
        ("__func__.17", ["-", "__func__", "17", "", "-", ""]),
        // What only begins alike.
        ("switch.table", ["switch", "table", "-", "", "-", ""]),
        ("__const.f", ["__const", "f", "-", "", "-", ""]),
        ("anon.vma.3", ["anon", "vma", "3", "", "-", ""]),
        (".strange", ["-", ".strange", "-", "", "-", ""]),
        (".L4.x", ["-", ".L4.x", "-", "", "-", ""]),
        (
            "_ZN4core3ptr5write17h0123456789abcdefE..x",
            [
                "-",
                "_ZN4core3ptr5write17h0123456789abcdefE..x",
                "-",
                "",
                "-",
                "",
            ],
        ),
    ] {
        assert_eq!(parts(name), expected, "{name}");
    }
}

/// An MD5 sum, by which LLVM tells files apart.
const MD5: &str = "5b1a2b3c4d5e6f708192a3b4c5d6e7f8";

#[test]
fn what_a_compiler_names_after_something() {
    use NameClass::{
        Anonymous, CompoundLiteral, FunctionName, FunctionPrefix, InitialValue, Instrumentation,
        String, Table,
    };
    let anonymous = format!("anon.{MD5}.4");
    let private = format!(".Lanon.{MD5}.4.llvm.7");
    // The class, the function or else a dash, the base, the number, and what passes appended.
    for (name, class, expected) in [
        ("switch.table.f", Table, ["-", "f", "-", ""]),
        ("switch.table.f.4", Table, ["-", "f", "4", ""]),
        ("switch.table.f.4.rel", Table, ["-", "f", "4", ".rel"]),
        ("switch.table.f.rel.llvm.1", Table, ["-", "f", "-", ".rel"]),
        ("switch.table.rel", Table, ["-", "rel", "-", ""]),
        ("switch.table.cleanup", Table, ["-", "cleanup", "-", ""]),
        ("switch.table.cold.cold", Table, ["-", "cold", "-", ".cold"]),
        ("switch.table.f.part.0", Table, ["-", "f", "-", ".part.0"]),
        (".Lswitch.table.f", Table, ["-", "f", "-", ""]),
        ("reltable.f", Table, ["-", "f", "-", ""]),
        ("__func__.f", FunctionName, ["-", "f", "-", ""]),
        (
            "__FUNCTION__.destroy",
            FunctionName,
            ["-", "destroy", "-", ""],
        ),
        ("__PRETTY_FUNCTION__.f.2", FunctionName, ["-", "f", "2", ""]),
        (".L__func__.f", FunctionName, ["-", "f", "-", ""]),
        ("__const.f.ops", InitialValue, ["f", "ops", "-", ""]),
        (
            "__const.f.cleanup.3",
            InitialValue,
            ["f", "cleanup", "3", ""],
        ),
        (".L__const.f.ops", InitialValue, ["f", "ops", "-", ""]),
        (".str", String, ["-", ".str", "-", ""]),
        (".L.str.7", String, ["-", ".str", "7", ""]),
        (
            ".compoundliteral.2",
            CompoundLiteral,
            ["-", ".compoundliteral", "2", ""],
        ),
        (&anonymous, Anonymous, ["-", MD5, "4", ""]),
        (&private, Anonymous, ["-", MD5, "4", ""]),
        (
            "asan.module_ctor",
            Instrumentation,
            ["-", "module_ctor", "-", ""],
        ),
        (
            "tsan.module_ctor.3",
            Instrumentation,
            ["-", "module_ctor", "3", ""],
        ),
        (
            "sancov.module_ctor_trace_pc_guard",
            Instrumentation,
            ["-", "module_ctor_trace_pc_guard", "-", ""],
        ),
        ("__profc_f", Instrumentation, ["-", "f", "-", ""]),
        ("__profd_a.c_f", Instrumentation, ["-", "a.c_f", "-", ""]),
        ("__cfi_f.llvm.7", FunctionPrefix, ["-", "f", "-", ""]),
        ("__cfi_f.5", FunctionPrefix, ["-", "f", "5", ""]),
        ("__pfx_f.cold", FunctionPrefix, ["-", "f", "-", ".cold"]),
    ] {
        let text = |bytes| std::str::from_utf8(bytes).unwrap();
        let parsed = ParsedName::new(name.as_bytes());
        let found = [
            parsed.function.map_or("-", text),
            text(parsed.base),
            parsed.id.map_or("-", text),
            text(parsed.pass),
        ];
        assert_eq!((parsed.class, found), (class, expected), "{name}");
    }
}

#[test]
fn what_tells_the_statics_of_files_apart() {
    let module = format!(".{MD5}");
    let dollar = format!("${MD5}");
    // The function or else a dash, the base, the number, `unique`, `module`, and what passes appended.
    for (name, expected) in [
        ("f.__uniq.123", ["-", "f", "-", ".__uniq.123", "", ""]),
        ("f.__uniq.123.5", ["-", "f", "5", ".__uniq.123", "", ""]),
        (
            "f.__uniq.123.cold",
            ["-", "f", "-", ".__uniq.123", "", ".cold"],
        ),
        (
            "f.__uniq.123.llvm.9",
            ["-", "f", "-", ".__uniq.123", "", ""],
        ),
        ("f.__uniq.123.var", ["f.__uniq.123", "var", "-", "", "", ""]),
        (
            "f.__uniq.123.var.4",
            ["f.__uniq.123", "var", "4", "", "", ""],
        ),
        ("f.__uniq.x", ["f", "__uniq.x", "-", "", "", ""]),
        (&format!("f{module}"), ["-", "f", "-", "", &module, ""]),
        (&format!("f.4{module}"), ["-", "f", "4", "", &module, ""]),
        (
            &format!("f.var{module}"),
            ["f", "var", "-", "", &module, ""],
        ),
        (
            &format!("f{module}.cfi_jt"),
            ["-", "f", "-", "", &module, ".cfi_jt"],
        ),
        (&format!("f{dollar}"), ["-", "f", "-", "", &dollar, ""]),
        (
            &format!("f{dollar}.cfi_jt"),
            ["-", "f", "-", "", &dollar, ".cfi_jt"],
        ),
        ("f.5b1a", ["f", "5b1a", "-", "", "", ""]),
        ("f$5b1a", ["-", "f$5b1a", "-", "", "", ""]),
    ] {
        let text = |bytes| std::str::from_utf8(bytes).unwrap();
        let parsed = ParsedName::new(name.as_bytes());
        let found = [
            parsed.function.map_or("-", text),
            text(parsed.base),
            parsed.id.map_or("-", text),
            text(parsed.unique),
            text(parsed.module),
            text(parsed.pass),
        ];
        assert_eq!(
            (parsed.class, found),
            (NameClass::Source, expected),
            "{name}"
        );
    }
}

#[test]
fn every_class_has_a_word() {
    let words: std::collections::BTreeSet<_> = NameClass::ALL.map(NameClass::as_str).into();
    assert_eq!(words.len(), NameClass::ALL.len());
}

/// The name again.
fn put_together(parsed: &ParsedName<'_>) -> Vec<u8> {
    let mut name = parsed.prefix.to_vec();
    if let Some(function) = parsed.function {
        name.extend_from_slice(function);
        name.push(b'.');
    }
    name.extend_from_slice(parsed.base);
    name.extend_from_slice(parsed.unique);
    if let Some(id) = parsed.id {
        name.push(b'.');
        name.extend_from_slice(id);
    }
    name.extend_from_slice(parsed.module);
    name.extend_from_slice(parsed.pass);
    if let Some(hash) = parsed.hash {
        name.extend_from_slice(b".llvm.");
        name.extend_from_slice(hash);
    }
    name.extend_from_slice(parsed.after);
    name
}

#[test]
fn nothing_of_a_name_is_lost() {
    for case in CASES {
        assert_eq!(put_together(&ParsedName::new(case.name)), case.name);
    }
}

proptest! {
    #[test]
    fn nothing_of_any_name_is_lost(name in random::name()) {
        prop_assert_eq!(put_together(&ParsedName::new(&name)), name);
    }

    #[test]
    fn nothing_of_any_bytes_is_lost(name: Vec<u8>) {
        prop_assert_eq!(put_together(&ParsedName::new(&name)), name);
    }

    #[test]
    fn nothing_of_any_name_of_a_compiler_is_lost(
        name in "(\\.L)?(switch\\.table|__const|__func__|anon|asan|f|\\.str)(\\.(f|cold|__uniq|7|rel|content|llvm|module_ctor|5b1a2b3c4d5e6f708192a3b4c5d6e7f8)){0,5}",
    ) {
        let parsed = ParsedName::new(name.as_bytes());
        prop_assert_eq!(put_together(&parsed), name.as_bytes());
        prop_assert!(!parsed.base.is_empty());
    }
}
