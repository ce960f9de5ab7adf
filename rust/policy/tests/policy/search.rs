// SPDX-License-Identifier: GPL-2.0 OR MIT

//! A search looks at few symbols, and finds the same from wherever it begins.

use crate::random;
use crate::table::Table;
use klp_policy::{
    resolve_in_index,
    walk_prefix,
    Fallback,
    NameIndex,
    Policy,
    Query,
    Reason,
    Symbol,
    SymbolName,
    Sympos, //
};
use proptest::prelude::*;
use std::cell::Cell;
use std::ops::{ControlFlow, Range};

/// Counts the symbols that are looked at.
struct Counted<'t> {
    table: &'t Table,
    looks: Cell<u32>,
}

impl<'t> Counted<'t> {
    fn new(table: &'t Table) -> Self {
        let looks = Cell::new(0);
        Self { table, looks }
    }
}

impl NameIndex for Counted<'_> {
    fn size(&self) -> u32 {
        self.table.size()
    }

    /// As the kernel does it: a binary search, and on to both ends of the run.
    fn places(&self, name: SymbolName<'_>) -> Range<u32> {
        let places = self.table.places(name);
        self.looks
            .set(self.looks.get() + STOCK + (places.end - places.start));
        places
    }

    fn symbol(&self, place: u32, take: &mut dyn FnMut(Symbol<'_>)) {
        self.looks.set(self.looks.get() + 1);
        NameIndex::symbol(self.table, place, take);
    }
}

/// A table of 2^16 names, of which every 64th was promoted and every 16th belongs to a function.
fn large() -> Table {
    let name = |n: u64| match n % 64 {
        0 => format!("name_{n:05}.llvm.{}", n * 7919),
        16 | 32 | 48 => format!("name_{:05}.local.{n}", n - n % 64),
        _ => format!("name_{n:05}"),
    };
    Table::new((0..1 << 16).map(|n| (name(n), n)))
}

/// The number of symbols of [`large()`] a stock kernel looks at to find one.
const STOCK: u32 = 17;

fn looks(text: &str, near: Option<u32>) -> (u64, u32) {
    let table = large();
    let counted = Counted::new(&table);
    let mut found = 0;
    Fallback::new(text.as_bytes()).visit_in_index(&counted, near, &mut |_| {
        found += 1;
        ControlFlow::Continue(())
    });
    (found, counted.looks.get())
}

#[test]
fn a_promoted_name_costs_little_more_than_an_exact_one() {
    let (found, cost) = looks("name_32000", None);
    assert_eq!(found, 1);
    assert!(cost <= STOCK + 6, "{cost}");
    let table = large();
    let place = (0..table.size())
        .find(|&place| {
            let mut is_next = false;
            NameIndex::symbol(&table, place, &mut |s| is_next = s.name.0 > b"name_32000");
            is_next
        })
        .unwrap();
    let (found, cost) = looks("name_32000", Some(place));
    assert_eq!(found, 1);
    assert!(cost <= 6, "{cost}");
}

#[test]
fn a_name_that_nothing_has_costs_a_few_looks_more() {
    for text in ["name_320", "nothing", "", "zzz", "name_32000_x"] {
        let (found, cost) = looks(text, None);
        assert_eq!(found, 0, "{text}");
        assert!(cost <= STOCK + 4, "{text}: {cost}");
    }
}

#[test]
fn dots_cost_nothing_where_no_symbol_has_them() {
    let dots = ".".repeat(500);
    let nested = "a.".repeat(250);
    let local = format!("name_32000.local.{nested}");
    for text in [
        &dots,
        &nested,
        &local,
        &format!("name_32000.llvm.1{dots}"),
        &format!("name_32000{dots}"),
    ] {
        let (_, cost) = looks(text, None);
        assert!(cost <= 2 * STOCK + 20, "{text}: {cost}");
    }
}

#[test]
fn an_exact_name_costs_one_look_more_than_in_the_stock_kernel() {
    let table = large();
    for text in ["name_32001", "name_00001", "name_65535"] {
        let counted = Counted::new(&table);
        let query = Query::new(text.as_bytes());
        let found = resolve_in_index(&counted, Policy::Llvm, &query, Sympos::UNIQUE);
        assert_eq!(found.map(|found| found.matches), Ok(1), "{text}");
        assert_eq!(counted.looks.get(), STOCK + 2, "{text}");
    }
}

#[test]
fn a_livepatch_pays_for_one_search() {
    let table = large();
    for (text, limit) in [("name_32000", STOCK + 7), ("name_32000.llvm.*", STOCK + 7)] {
        let counted = Counted::new(&table);
        let query = Query::new(text.as_bytes());
        let found = resolve_in_index(&counted, Policy::Llvm, &query, Sympos::UNIQUE);
        assert_eq!(found.map(|found| found.matches), Ok(1), "{text}");
        assert!(
            counted.looks.get() <= limit,
            "{text}: {}",
            counted.looks.get()
        );
    }
}

#[test]
fn a_table_without_symbols() {
    let table = Table::new::<&str>([]);
    for text in ["", "f", "f.llvm.1", "f.llvm.*"] {
        let query = Query::new(text.as_bytes());
        let answer = resolve_in_index(&table, Policy::Llvm, &query, Sympos::UNIQUE);
        assert_eq!(answer, Err(Reason::NotFound), "{text}");
    }
}

proptest! {
    #[test]
    fn a_prefix_finds_all_that_begin_with_it(table in random::table(), prefix in random::query()) {
        let mut expected: Vec<_> = table
            .iter()
            .filter(|s| s.name.0.starts_with(&prefix))
            .map(|s| (s.name.0.to_vec(), s.seq))
            .collect();
        expected.sort();
        let mut found = Vec::new();
        walk_prefix(&table, &prefix, &mut |s| {
            found.push((s.name.0.to_vec(), s.seq));
            ControlFlow::Continue(())
        });
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn it_does_not_matter_where_a_search_begins(
        table in random::table(),
        text in random::colliding_name(),
        near in any::<u32>(),
    ) {
        let fallback = Fallback::new(&text);
        let visit = |near| {
            let mut seen = Vec::new();
            fallback.visit_in_index(&table, near, &mut |s| {
                seen.push(s.seq);
                ControlFlow::Continue(())
            });
            seen
        };
        let expected = visit(None);
        prop_assert_eq!(&visit(Some(near)), &expected);
        prop_assert_eq!(&visit(Some(near % (table.size() + 2))), &expected);
    }

    #[test]
    fn each_begins_with_the_start(table in random::table(), text in random::colliding_name()) {
        let fallback = Fallback::new(&text);
        let start = fallback.start();
        for symbol in table.iter().filter(|s| fallback.is_namesake(s.name)) {
            prop_assert!(symbol.name.0.starts_with(start), "{}: {start:?}", symbol.name);
        }
    }
}
