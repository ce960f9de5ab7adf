// SPDX-License-Identifier: GPL-2.0 OR MIT

//! A name taken apart, and put together again.

use crate::{
    cases::CASES,
    random, //
};
use klp_policy::ParsedName;
use proptest::prelude::*;

/// The parts in the order in which they stand in the name, dots left out; `-` for none.
fn parts(name: &str) -> [&str; 6] {
    let text = |bytes| std::str::from_utf8(bytes).unwrap();
    let parsed = ParsedName::new(name.as_bytes());
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
        ("f.var.32.llvm.9a", ["f", "var", "32", "", "9a", ""]),
        (
            "f.__already_done",
            ["f", "__already_done", "-", "", "-", ""],
        ),
        (".str", ["-", ".str", "-", "", "-", ""]),
        (".str.7", ["-", ".str", "7", "", "-", ""]),
        (".str.7.llvm.1", ["-", ".str", "7", "", "1", ""]),
        (".x.y", ["-", ".x.y", "-", "", "-", ""]),
        ("foo.llvm.xyz", ["foo", "llvm.xyz", "-", "", "-", ""]),
        ("foo.", ["-", "foo.", "-", "", "-", ""]),
        (".llvm.1", ["-", ".llvm", "1", "", "-", ""]),
        ("cold", ["-", "cold", "-", "", "-", ""]),
        ("cold.1", ["-", "cold", "1", "", "-", ""]),
        (".cold", ["-", ".cold", "-", "", "-", ""]),
        ("1.2", ["-", "1", "2", "", "-", ""]),
    ] {
        assert_eq!(parts(name), expected, "{name}");
    }
}

/// The name again.
fn put_together(parsed: &ParsedName<'_>) -> Vec<u8> {
    let mut name = Vec::new();
    if let Some(function) = parsed.function {
        name.extend_from_slice(function);
        name.push(b'.');
    }
    name.extend_from_slice(parsed.base);
    if let Some(id) = parsed.id {
        name.push(b'.');
        name.extend_from_slice(id);
    }
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
}
