// SPDX-License-Identifier: GPL-2.0 OR MIT

//! A tracer's second try: counted over several tables, accepted only when one symbol is left.

use crate::table::Table;
use crate::{
    naive,
    random, //
};
use klp_policy::{
    Fallback,
    Namesakes,
    KSYM_NAME_LEN, //
};
use proptest::prelude::*;
use std::ops::ControlFlow;

fn count(vmlinux: &Table, modules: &[Table], text: &[u8]) -> Namesakes {
    let fallback = Fallback::new(text);
    let mut found = Namesakes::default();
    fallback.visit_in_index(vmlinux, None, &mut |symbol| {
        found.add(&fallback, &symbol);
        ControlFlow::Continue(())
    });
    for symbol in modules.iter().flat_map(Table::iter) {
        if fallback.is_namesake(symbol.name) {
            found.add(&fallback, &symbol);
        }
    }
    found
}

#[test]
fn one_symbol_in_all_tables() {
    let vmlinux = Table::new([("f.llvm.1", 0x10), ("g.llvm.1", 0x20), ("g", 0x30)]);
    let modules = [
        Table::new([("h.llvm.2", 0x40)]),
        Table::new([("h.llvm.3", 0x50), ("i.llvm.4", 0x60)]),
    ];
    for (text, matches, only) in [
        ("f", 1, Some(0x10)),
        ("f.llvm.7", 1, Some(0x10)),
        ("f.llvm.*", 1, Some(0x10)),
        ("g", 0, None),
        ("g.llvm.1", 0, None),
        ("g.llvm.2", 2, None),
        ("g.llvm.*", 2, None),
        ("h", 2, None),
        ("i", 1, Some(0x60)),
        ("j", 0, None),
    ] {
        let found = count(&vmlinux, &modules, text.as_bytes());
        assert_eq!((found.matches(), found.only()), (matches, only), "{text}");
    }
}

proptest! {
    #[test]
    fn agrees_with_a_full_scan(
        vmlinux in random::table(),
        module in random::table(),
        text in random::colliding_name(),
    ) {
        let cleaned = naive::clean(&text);
        let symbols = || vmlinux.iter().chain(module.iter());
        let mut addresses: Vec<u64> = symbols()
            .filter(|s| naive::clean(s.name.0) == cleaned)
            .map(|s| s.address)
            .collect();
        if symbols().any(|s| s.name.0 == text) {
            addresses.clear();
        }
        let found = count(&vmlinux, std::slice::from_ref(&module), &text);
        prop_assert_eq!(found.matches(), addresses.len() as u64);
        let only = (addresses.len() == 1).then(|| addresses[0]);
        prop_assert_eq!(found.only(), only);
    }
}

#[test]
fn a_name_that_no_symbol_can_have() {
    let vmlinux = Table::new([("f.llvm.1", 0x10)]);
    for (len, matches) in [(KSYM_NAME_LEN - 1, 1), (KSYM_NAME_LEN, 0)] {
        let mut text = b"f.llvm.".to_vec();
        text.resize(len, b'1');
        assert_eq!(count(&vmlinux, &[], &text).matches(), matches, "{len}");
    }
}
