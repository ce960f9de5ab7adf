// SPDX-License-Identifier: GPL-2.0 OR MIT

//! A cleaned name compares, sorts and hashes as its bytes do, wherever it was cut.

use crate::random;
use klp_policy::{
    cleanup_symbol_name,
    CleanName,
    Policy, //
};
use proptest::prelude::*;
use std::collections::hash_map::DefaultHasher;
use std::hash::{
    Hash,
    Hasher, //
};

fn bytes(name: &CleanName<'_>) -> Vec<u8> {
    name.bytes().collect()
}

fn hash(value: impl Hash) -> u64 {
    let mut state = DefaultHasher::new();
    value.hash(&mut state);
    state.finish()
}

/// The slices of a cleaned name.
fn segments(name: &str) -> Vec<&[u8]> {
    cleanup_symbol_name(name.as_bytes()).segments().collect()
}

#[test]
fn segments_are_slices_of_the_name() {
    assert_eq!(segments(""), [] as [&[u8]; 0]);
    assert_eq!(segments("foo"), [b"foo"]);
    assert_eq!(segments("foo.llvm.1"), [b"foo"]);
    assert_eq!(segments("foo.llvm.1.llvm.2"), [b"foo"]);
    assert_eq!(segments("foo.llvm.1.cold"), [&b"foo"[..], b".cold"]);
    assert_eq!(
        segments("a.llvm.1.b.llvm.2.c"),
        [&b"a"[..], &b".b"[..], b".c"]
    );
}

#[test]
fn one_name_cut_at_different_places() {
    let names = [
        &b"a.b.c"[..],
        b"a.llvm.1.b.c",
        b"a.b.llvm.2.c",
        b"a.b.c.llvm.3",
        b"a.llvm.1.b.llvm.2.c.llvm.3",
    ];
    for one in names.map(cleanup_symbol_name) {
        assert_eq!(one, *b"a.b.c");
        assert_eq!(one, b"a.b.c"[..]);
        assert_eq!(one.len(), 5);
        for other in names.map(cleanup_symbol_name) {
            assert_eq!(one, other);
            assert_eq!(hash(one), hash(other));
            assert!(one.cmp(&other).is_eq());
        }
    }
}

/// A prefix sorts first, and two fields in a row hash differently when a byte moves between them.
#[test]
fn a_name_ends_somewhere() {
    let (ab, c) = (cleanup_symbol_name(b"ab"), cleanup_symbol_name(b"c"));
    let (a, bc) = (cleanup_symbol_name(b"a"), cleanup_symbol_name(b"bc"));
    assert!(a < ab);
    assert!(cleanup_symbol_name(b"a.llvm.9") < cleanup_symbol_name(b"a.llvm.1.b"));
    assert_ne!(hash((ab, c)), hash((a, bc)));
}

proptest! {
    #[test]
    fn equality_order_and_hash_are_those_of_the_bytes(
        one in random::colliding_name(),
        other in prop_oneof![random::colliding_name(), random::name()],
    ) {
        let (one, other) = (cleanup_symbol_name(&one), cleanup_symbol_name(&other));
        let same = bytes(&one) == bytes(&other);
        prop_assert_eq!(one == other, same);
        prop_assert_eq!(one.cmp(&other), bytes(&one).cmp(&bytes(&other)));
        prop_assert_eq!(one.partial_cmp(&other), Some(one.cmp(&other)));
        prop_assert_eq!(hash(one) == hash(other), same);
        prop_assert_eq!(one == bytes(&other)[..], same);
    }

    /// A name that another rule cut is the same name.
    #[test]
    fn equality_does_not_know_the_rule(name in random::name()) {
        let ours = cleanup_symbol_name(&name);
        let bytes = bytes(&ours);
        let whole = Policy::Exact.clean(&bytes);
        prop_assert_eq!(ours, whole);
        prop_assert_eq!(hash(ours), hash(whole));
    }

    #[test]
    fn length_and_emptiness(name in random::name()) {
        let cleaned = cleanup_symbol_name(&name);
        prop_assert_eq!(cleaned.len(), bytes(&cleaned).len());
        prop_assert!(cleaned.segments().all(|s| !s.is_empty()));
        prop_assert_eq!(cleaned.segments().collect::<Vec<_>>().concat(), bytes(&cleaned));
    }
}
