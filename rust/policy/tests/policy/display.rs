// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Names that are not UTF-8 are shown with U+FFFD, never refused.

use klp_policy::{
    cleanup_symbol_name,
    LivepatchSection,
    ObjName,
    ParsedName,
    SymbolName, //
};
use proptest::prelude::*;

#[test]
fn what_is_not_text_is_replaced() {
    for (bytes, shown) in [
        (&b"foo"[..], "foo"),
        (b"", ""),
        (b"f\xff", "f\u{fffd}"),
        (b"\xff\xfeo", "\u{fffd}\u{fffd}o"),
        (b"f\xc3\xa9", "f\u{e9}"),
        (b"f\xc3", "f\u{fffd}"),
        (b"\xe2\x82.x", "\u{fffd}.x"),
        (b"\xe2\x82", "\u{fffd}"),
    ] {
        assert_eq!(SymbolName(bytes).to_string(), shown);
        assert_eq!(format!("{:?}", SymbolName(bytes)), format!("\"{shown}\""));
    }
}

#[test]
fn other_names_are_shown_alike() {
    let objname = ObjName::new(b"m\xff").unwrap();
    assert_eq!(objname.to_string(), "m\u{fffd}");
    assert_eq!(format!("{objname:?}"), "\"m\u{fffd}\"");
    let section = LivepatchSection::new(objname, b".text.\xff");
    assert_eq!(section.to_string(), ".klp.rela.m\u{fffd}..text.\u{fffd}");
    let cleaned = cleanup_symbol_name(b"f\xff.llvm.1.c\xff");
    assert_eq!(cleaned.to_string(), "f\u{fffd}.c\u{fffd}");
    assert_eq!(format!("{cleaned:?}"), "\"f\u{fffd}.c\u{fffd}\"");
}

proptest! {
    #[test]
    fn as_the_standard_library_shows_them(name: Vec<u8>) {
        prop_assert_eq!(SymbolName(&name).to_string(), String::from_utf8_lossy(&name));
    }

    /// Taking a suffix out does not change what is shown of the rest.
    #[test]
    fn a_cleaned_name_is_shown_as_its_bytes(
        head in proptest::collection::vec(any::<u8>(), 0..5),
        tail in proptest::collection::vec(any::<u8>(), 0..5),
    ) {
        let name = [&b"f"[..], &head, b".llvm.12.", &tail].concat();
        let cleaned = cleanup_symbol_name(&name);
        let bytes: Vec<u8> = cleaned.bytes().collect();
        prop_assert_eq!(cleaned.to_string(), String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn any_name_can_be_taken_apart(name: Vec<u8>) {
        let parsed = ParsedName::new(&name);
        prop_assert!(name.is_empty() || !parsed.base.is_empty());
    }
}
