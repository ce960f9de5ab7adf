// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The explanation of a name by `explain` agrees with what resolving the name finds.

use crate::shell::klp_gen;
use klp_gen::explain::{Asks, WrittenName, WrittenNameError};
use klp_gen::symbols::{Entry, ObjectView, SymbolTable};
use klp_policy::{list_in_sequence, FormatError, Policy, Query, RequestError, SymbolName};
use proptest::prelude::*;
use std::ops::ControlFlow;

/// `name` up to where `end` first is in it.
fn up_to<'n>(name: &'n str, end: &str) -> &'n str {
    name.split_once(end).map_or(name, |(before, _)| before)
}

/// The symbols that somebody would take who reads the words.
fn by_the_words<'n>(words: &str, written: &str, names: &'n [String]) -> Vec<&'n str> {
    let find = |matches: &dyn Fn(&str) -> bool| -> Vec<&'n str> {
        let names = names.iter().map(String::as_str);
        names.filter(|name| matches(name)).collect()
    };
    let unpromoted = |wanted: &str| {
        find(&|name| klp_policy::cleanup_symbol_name(name.as_bytes()) == *wanted.as_bytes())
    };
    let exact = "the symbols of exactly this name";
    if words == exact {
        find(&|name| name == written)
    } else if words.starts_with(&format!(
        "{exact}; only if there is none, and only for tracers, "
    )) {
        // A livepatch is asking.
        find(&|name| name == written)
    } else if let Some(rest) = words.strip_prefix(exact) {
        let rest = rest.strip_prefix("; only if there is none, those that are ");
        let wanted = rest
            .unwrap()
            .strip_suffix(" without their promotion suffix");
        match find(&|name| name == written) {
            found if found.is_empty() => unpromoted(wanted.unwrap()),
            found => found,
        }
    } else if let Some(rest) = words.strip_prefix("all symbols that are ") {
        let end = " without their promotion suffix, promoted or not";
        unpromoted(rest.strip_suffix(end).unwrap())
    } else if words.starts_with("nothing: ") {
        Vec::new()
    } else {
        let rest = words.strip_prefix("the symbols that are ").unwrap();
        if let Some(wanted) = rest.strip_suffix(" up to their first '.llvm.'") {
            find(&|name| up_to(name, ".llvm.") == wanted)
        } else {
            let wanted = rest.strip_suffix(", as a whole or up to their first dot");
            find(&|name| name == wanted.unwrap() || up_to(name, ".") == wanted.unwrap())
        }
    }
}

proptest! {
    #[test]
    fn the_words_are_true(
        names in prop::collection::vec("f(\\.v|\\.llvm\\.[1x]|\\.cold){0,2}", 0..12),
        written in "f(\\.v|\\.llvm\\.[1x]|\\.cold){0,2}(\\.llvm\\.\\*)?",
    ) {
        let entry = |(index, name)| Entry {
            name: SymbolName(String::as_bytes(name)),
            address: u64::from(index),
            letter: b't',
            index,
            live: true,
        };
        let table = SymbolTable::new((0..).zip(&names).map(entry).collect());
        let query = Query::new(written.as_bytes());
        for policy in Policy::ALL {
            let mut found = Vec::new();
            list_in_sequence(&ObjectView::live(&table), policy, &query, &mut |candidate| {
                found.push(candidate.symbol.name.to_string());
                ControlFlow::Continue(())
            });
            let words = Asks::new(policy, &query).to_string();
            prop_assert_eq!(by_the_words(&words, &written, &names), found, "{}: {}", policy, words);
        }
    }
}

#[test]
fn what_a_compiler_made_is_no_static_local() {
    let md5 = "5b1a2b3c4d5e6f708192a3b4c5d6e7f8";
    for (name, expected) in [
        ("f.var", "var, a static local of f"),
        ("switch.table.f", "a table for a switch statement of f"),
        (
            "__const.f.ops",
            "the initial value of ops, a local variable of f",
        ),
        ("__func__.f", "the name of f as a string"),
        (".str.7", ".str, a string literal, numbered 7"),
        (
            "asan.module_ctor",
            "asan.module_ctor, made by an instrumentation",
        ),
        ("__cfi_f", "__cfi_f, the bytes in front of the function f"),
        ("f.argprom", "f, made by a compiler pass: .argprom"),
        ("f.cfi_jt", "f, made by a compiler pass: .cfi_jt"),
        ("f.__uniq.123456", "f, made unique by clang: .__uniq.123456"),
        (
            &format!("f.{md5}"),
            &format!("f, promoted with the MD5 sum of its file: .{md5}"),
        ),
        (
            &format!("f${md5}"),
            &format!("f, promoted with the MD5 sum of its file: ${md5}"),
        ),
        (
            &format!("anon.{md5}.4"),
            &format!("a constant without a name, in the file with the MD5 sum {md5}, numbered 4"),
        ),
    ] {
        let output = klp_gen().args(["explain", name]).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let parts = text.lines().find_map(|l| l.strip_prefix("  parts     "));
        assert_eq!(parts, Some(expected), "{name}");
    }
}

#[test]
fn a_section_is_written_with_its_dot_or_without() {
    for name in [".klp.rela.vmlinux.text", ".klp.rela.vmlinux..text"] {
        let output = klp_gen().args(["explain", name]).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.contains("  section   .text, by its name"), "{text}");
    }
}

#[test]
fn every_way_to_write_a_name_is_read() {
    let request = |text: &'static str| match WrittenName::parse(text.as_bytes()) {
        Ok(WrittenName::Request { request, is_symbol }) => (
            request.objname.to_string(),
            request.name.to_string(),
            request.sympos.0,
            is_symbol,
        ),
        other => panic!("{text}: {other:?}"),
    };
    let expect = |object: &str, name: &str, sympos, is_symbol| {
        (object.to_owned(), name.to_owned(), sympos, is_symbol)
    };
    assert_eq!(request("foo"), expect("vmlinux", "foo", 0, false));
    assert_eq!(request("ext4:foo,2"), expect("ext4", "foo", 2, false));
    assert_eq!(
        request(".klp.sym.ext4.foo.llvm.*,2"),
        expect("ext4", "foo.llvm.*", 2, true)
    );
    match WrittenName::parse(b".klp.rela.ext4.text.foo") {
        Ok(WrittenName::Section(section)) => assert_eq!(section.section(), b"text.foo"),
        other => panic!("{other:?}"),
    }
    for (text, error) in [
        (
            &b"foo,x"[..],
            WrittenNameError::Request(RequestError::Sympos),
        ),
        (
            b".klp.sym.ext4.foo",
            WrittenNameError::Symbol(FormatError::Sympos),
        ),
        (
            b".klp.rela..text",
            WrittenNameError::Section(FormatError::ObjName),
        ),
    ] {
        assert_eq!(WrittenName::parse(text), Err(error));
    }
}
