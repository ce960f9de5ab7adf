// SPDX-License-Identifier: GPL-2.0 OR MIT

//! A tracer's second try: counted over several tables, accepted only when one symbol is left.

use crate::table::Table;
use crate::{
    naive,
    random, //
};
use klp_policy::{
    cleaned_in_index,
    cleaned_in_sequence,
    Query,
    Sympos,
    Tally, //
};
use proptest::prelude::*;

fn tally(vmlinux: &Table, modules: &[Table], text: &[u8]) -> Tally {
    let query = Query::new(text);
    let mut tally = Tally::new(Sympos::UNIQUE);
    cleaned_in_index(vmlinux, &query, &mut tally);
    for module in modules {
        cleaned_in_sequence(module, &query, &mut tally);
    }
    tally
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
        ("g", 2, None),
        ("h", 2, None),
        ("i", 1, Some(0x60)),
        ("j", 0, None),
    ] {
        let tally = tally(&vmlinux, &modules, text.as_bytes());
        assert_eq!((tally.matches(), tally.only()), (matches, only), "{text}");
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
        let addresses: Vec<u64> = vmlinux
            .iter()
            .chain(module.iter())
            .filter(|s| naive::clean(s.name.0) == cleaned)
            .map(|s| s.address)
            .collect();
        let tally = tally(&vmlinux, &[module], &text);
        prop_assert_eq!(tally.matches(), addresses.len() as u64);
        let only = (addresses.len() == 1).then(|| addresses[0]);
        prop_assert_eq!(tally.only(), only);
    }
}
