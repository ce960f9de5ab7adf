// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Removing the promotion suffix: as slices, in place, and naively.

use crate::{
    cases::CASES,
    naive,
    random, //
};
use klp_policy::{
    cleanup_symbol_name,
    cleanup_symbol_name_in_place, //
};
use proptest::prelude::*;

/// The name as the function on slices cleans it.
fn cleaned(name: &[u8]) -> Vec<u8> {
    cleanup_symbol_name(name).bytes().collect()
}

/// The name as the function on C strings cleans it; checks what it leaves behind the name.
fn cleaned_in_place(name: &[u8]) -> Vec<u8> {
    let mut buf = name.to_vec();
    buf.extend_from_slice(b"\0tail");
    let len = cleanup_symbol_name_in_place(&mut buf);
    assert_eq!(buf[len], 0, "no NUL behind the name");
    assert!(buf.ends_with(b"tail"), "wrote behind the string");
    buf[..len].to_vec()
}

#[test]
fn cases() {
    for case in CASES {
        let name = String::from_utf8_lossy(case.name);
        assert_eq!(cleaned(case.name), case.llvm, "{name}");
        assert_eq!(cleaned_in_place(case.name), case.llvm, "{name}, in place");
        assert_eq!(naive::clean(case.name), case.llvm, "{name}, naively");
    }
}

#[test]
fn names_of_the_table_differ() {
    for (at, case) in CASES.iter().enumerate() {
        let again = CASES[at + 1..].iter().any(|other| other.name == case.name);
        assert!(!again, "{}", String::from_utf8_lossy(case.name));
    }
}

#[test]
fn in_place_without_a_nul() {
    let mut name = *b"foo";
    assert_eq!(cleanup_symbol_name_in_place(&mut name), 3);
    assert_eq!(name, *b"foo");

    let mut name = *b"foo.llvm.1";
    assert_eq!(cleanup_symbol_name_in_place(&mut name), 3);
    assert_eq!(name[..4], *b"foo\0");

    assert_eq!(cleanup_symbol_name_in_place(&mut []), 0);
    assert_eq!(cleanup_symbol_name_in_place(&mut [0]), 0);
}

#[test]
fn in_place_ends_at_the_first_nul() {
    let mut name = *b"foo.llvm\0.1";
    assert_eq!(cleanup_symbol_name_in_place(&mut name), 8);
    assert_eq!(name, *b"foo.llvm\0.1");

    let mut name = *b"foo.llvm.1\0.llvm.2";
    assert_eq!(cleanup_symbol_name_in_place(&mut name), 3);
    assert_eq!(name[3], 0);
    assert_eq!(name[10..], *b"\0.llvm.2");
}

/// The longest hash and the longest name of a kernel, and far beyond.
#[test]
fn long_names() {
    for len in [1, 20, 500, 511, 100_000] {
        let name = [&b"f.llvm."[..], &vec![b'7'; len], b".cold"].concat();
        assert_eq!(cleaned(&name), b"f.cold");
        assert_eq!(cleaned_in_place(&name), b"f.cold");

        let name = [&b"f"[..], &b".llvm.1".repeat(len), b".c"].concat();
        assert_eq!(cleaned(&name), b"f.c");
        assert_eq!(cleaned_in_place(&name), b"f.c");

        let name = [&b"f"[..], &b".llvm.".repeat(len)].concat();
        assert_eq!(cleaned(&name), name);
    }
}

proptest! {
    #[test]
    fn agrees_with_the_naive_form(name in random::name()) {
        prop_assert_eq!(cleaned(&name), naive::clean(&name));
    }

    #[test]
    fn agrees_on_any_bytes(name: Vec<u8>) {
        prop_assert_eq!(cleaned(&name), naive::clean(&name));
    }

    #[test]
    fn in_place_agrees(name in random::name()) {
        prop_assert_eq!(cleaned_in_place(&name), cleaned(&name));
    }

    #[test]
    fn any_promotion_is_undone(base in "[a-z.][a-z_.]{0,9}", hashes in "(\\.llvm\\.[0-9a-f]{1,20}){1,3}") {
        let name = format!("{base}{hashes}");
        let expected = naive::clean(base.as_bytes());
        prop_assert_eq!(cleaned(name.as_bytes()), expected);
    }

    #[test]
    fn without_a_suffix_nothing_changes(name in "[a-z._*]{0,20}") {
        // No hash can stand in it: a digit is missing, and a-f only where no `.llvm.` is before.
        prop_assume!(!name.contains(".llvm."));
        prop_assert_eq!(cleaned(name.as_bytes()), name.as_bytes());
    }

    #[test]
    fn a_cleaned_name_keeps_its_first_byte_and_gets_no_longer(name in random::name()) {
        let cleaned = cleaned(&name);
        prop_assert!(cleaned.len() <= name.len());
        prop_assert_eq!(cleaned.first(), name.first());
    }
}
