// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Random names and tables. Few letters and few words, so that names collide all the time.

use crate::table::Table;
use klp_policy::Asker;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// Names that are put together from what names are made of, some of it malformed.
pub fn name() -> impl Strategy<Value = Vec<u8>> {
    let word = select(vec![
        "a", "b", "x", "ab", ".a", ".b", ".llvm", ".llvm.", ".llvm.1", ".llvm.2", ".llvm.10",
        ".llvm.f", ".llvm.g", ".llvm.*", "llvm", ".cold", ".1", ".12", ".", "..", "*", ",",
        "\u{e9}",
    ]);
    vec(word, 0..7).prop_map(|words| words.concat().into_bytes())
}

/// A name whose cleaned form is one of very few, which may have dots.
pub fn colliding_name() -> impl Strategy<Value = Vec<u8>> {
    let base = select(vec!["a", "x", "ab", "a.llvm", ".s"]);
    let suffix = select(vec![
        "",
        "",
        "",
        ".llvm.1",
        ".llvm.2",
        ".llvm.9",
        ".llvm.10",
        ".llvm.ff",
        ".llvm.1.llvm.2",
        ".llvm.llvm.1",
        ".llvm.x",
    ]);
    let after = select(vec!["", "", "", ".b", ".c", ".1"]);
    (base, suffix.clone(), after, suffix)
        .prop_map(|(base, one, after, two)| format!("{base}{one}{after}{two}").into_bytes())
}

/// Tables of up to 40 symbols. Addresses say nothing about the order.
pub fn table() -> impl Strategy<Value = Table> {
    let name = prop_oneof![4 => colliding_name(), 1 => name()];
    vec((name, any::<u64>()), 0..40).prop_map(Table::new)
}

/// Queries that have a chance to match: a name, or a name with its suffix replaced by `.llvm.*`.
pub fn query() -> impl Strategy<Value = Vec<u8>> {
    let any_of = colliding_name().prop_map(|mut name| {
        name = crate::naive::clean(&name);
        name.extend_from_slice(b".llvm.*");
        name
    });
    prop_oneof![4 => colliding_name(), 4 => any_of, 1 => name()]
}

/// Positions around those that few matches have, and far ones.
pub fn sympos() -> impl Strategy<Value = u64> {
    prop_oneof![8 => 0..12_u64, 1 => any::<u64>()]
}

/// Somebody who asks.
pub fn asker() -> impl Strategy<Value = Asker> {
    prop_oneof![Just(Asker::Livepatch), Just(Asker::Tracer)]
}
