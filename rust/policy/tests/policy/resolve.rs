// SPDX-License-Identifier: GPL-2.0 OR MIT

//! From a query to an answer, by example: both kinds of table, every kind of query and refusal.

use crate::table::Table;
use klp_policy::{
    list_in_index,
    list_in_sequence,
    resolve_in_index,
    resolve_in_sequence,
    Asker,
    Found,
    MatchedBy,
    Policy,
    Query,
    Reason,
    Sympos, //
};
use std::ops::ControlFlow;

/// Seven `init_once`, two of them promoted; their hashes sort the other way round than they lie.
/// A promoted function alone, one with an exact twin, and static locals.
fn table() -> Table {
    let names = [
        "init_once",
        "init_once.llvm.9",
        "init_once",
        "lone.llvm.77",
        "init_once",
        "init_once.llvm.10",
        "init_once",
        "twin",
        "twin.llvm.5",
        "init_once",
        "twin.llvm.5.cold",
        "vlog",
        "vlog._entry",
        "vlog.__already_done",
        "pair.llvm.2",
        "pair.llvm.1",
    ];
    // Addresses fall, so that nobody gets the order from them.
    Table::new(names.into_iter().zip((1..=16).rev().map(|n| n * 0x10)))
}

/// Asks both kinds of table.
fn resolve(policy: Policy, asker: Asker, text: &str, sympos: u64) -> Result<Found, Reason> {
    let table = table();
    let (query, sympos) = (Query::asked_by(asker, text.as_bytes()), Sympos(sympos));
    let answer = resolve_in_index(&table, policy, &query, sympos);
    assert_eq!(
        answer,
        resolve_in_sequence(&table, policy, &query, sympos),
        "{text},{sympos}"
    );
    answer
}

/// The answer as `seq position/matches`, or why not.
fn llvm(text: &str, sympos: u64) -> String {
    answer(Policy::Llvm, text, sympos)
}

/// The same for a tracer.
fn traced(text: &str, sympos: u64) -> String {
    answer_to(Policy::Llvm, Asker::Tracer, text, sympos)
}

fn answer(policy: Policy, text: &str, sympos: u64) -> String {
    answer_to(policy, Asker::Livepatch, text, sympos)
}

fn answer_to(policy: Policy, asker: Asker, text: &str, sympos: u64) -> String {
    match resolve(policy, asker, text, sympos) {
        Ok(found) => {
            assert_eq!(found.address, table().symbol(found.seq).address);
            let by = match found.by {
                MatchedBy::Exact => "exact",
                MatchedBy::Cleaned => "cleaned",
            };
            let Found {
                seq,
                position,
                matches,
                ..
            } = found;
            format!("{by} {seq} {position}/{matches}")
        }
        Err(reason) => format!("{reason} {}", reason.matches()),
    }
}

#[test]
fn plain_is_exact_first() {
    assert_eq!(llvm("init_once", 0), "ambiguous 5");
    assert_eq!(llvm("init_once", 1), "exact 0 1/5");
    assert_eq!(llvm("init_once", 2), "exact 2 2/5");
    assert_eq!(llvm("init_once", 5), "exact 9 5/5");
    assert_eq!(llvm("init_once", 6), "no-such-position 5");
    assert_eq!(llvm("init_once", u64::MAX), "no-such-position 5");
    assert_eq!(llvm("twin", 0), "exact 7 1/1");
    assert_eq!(llvm("twin", 1), "exact 7 1/1");
    assert_eq!(llvm("twin", 2), "no-such-position 1");
}

#[test]
fn plain_is_cleaned_where_no_exact_name_is() {
    assert_eq!(llvm("lone", 0), "cleaned 3 1/1");
    assert_eq!(llvm("lone", 1), "cleaned 3 1/1");
    assert_eq!(llvm("lone", 2), "no-such-position 1");
    assert_eq!(llvm("twin.cold", 0), "cleaned 10 1/1");
    assert_eq!(llvm("pair", 0), "ambiguous 2");
    assert_eq!(llvm("pair", 1), "cleaned 14 1/2");
    assert_eq!(llvm("pair", 2), "cleaned 15 2/2");
}

#[test]
fn hashed_is_exact_first() {
    for ask in [llvm, traced] {
        assert_eq!(ask("init_once.llvm.9", 0), "exact 1 1/1");
        assert_eq!(ask("twin.llvm.5", 0), "exact 8 1/1");
        assert_eq!(ask("twin.llvm.5.cold", 0), "exact 10 1/1");
        assert_eq!(ask("twin.llvm.5", 2), "no-such-position 1");
    }
}

#[test]
fn hashed_is_nothing_else_in_a_livepatch() {
    for text in [
        "lone.llvm.78",
        "lone.llvm.77.llvm.1",
        "init_once.llvm.8",
        "twin.llvm.6.cold",
        "vlog._entry.llvm.1",
    ] {
        for sympos in [0, 1, 2] {
            assert_eq!(llvm(text, sympos), "not-found 0", "{text}");
        }
    }
}

#[test]
fn hashed_is_cleaned_to_a_tracer_where_the_hash_changed() {
    assert_eq!(traced("lone.llvm.78", 0), "cleaned 3 1/1");
    assert_eq!(traced("lone.llvm.77.llvm.1", 0), "cleaned 3 1/1");
    assert_eq!(traced("init_once.llvm.8", 0), "ambiguous 7");
    assert_eq!(traced("init_once.llvm.8", 2), "cleaned 1 2/7");
    assert_eq!(traced("twin.llvm.6.cold", 0), "cleaned 10 1/1");
    assert_eq!(traced("vlog._entry.llvm.1", 0), "cleaned 12 1/1");
}

#[test]
fn any_is_every_one_of_the_name() {
    assert_eq!(llvm("init_once.llvm.*", 0), "ambiguous 7");
    for (position, seq) in [0, 1, 2, 4, 5, 6, 9].into_iter().enumerate() {
        let position = position as u64 + 1;
        let expected = format!("cleaned {seq} {position}/7");
        assert_eq!(llvm("init_once.llvm.*", position), expected);
    }
    assert_eq!(llvm("init_once.llvm.*", 8), "no-such-position 7");
    assert_eq!(llvm("twin.llvm.*", 0), "ambiguous 2");
    assert_eq!(llvm("twin.llvm.*", 1), "cleaned 7 1/2");
    assert_eq!(llvm("twin.llvm.*", 2), "cleaned 8 2/2");
    assert_eq!(llvm("twin.cold.llvm.*", 0), "cleaned 10 1/1");
    assert_eq!(llvm("lone.llvm.*", 0), "cleaned 3 1/1");
    assert_eq!(llvm("vlog.llvm.*", 0), "cleaned 11 1/1");
}

#[test]
fn a_name_that_two_walks_come_across_counts_once() {
    // Cleaned it is x.llvm.2; it begins as what was promoted from x does, and from x.llvm.2.
    let table = Table::new([("x.llvm.2.llvm.llvm.1.2", 0x10)]);
    let query = Query::new(b"x.llvm.2.llvm.*");
    let found = resolve_in_index(&table, Policy::Llvm, &query, Sympos::UNIQUE);
    assert_eq!(found.map(|found| found.matches), Ok(1));
    assert_eq!(
        found,
        resolve_in_sequence(&table, Policy::Llvm, &query, Sympos::UNIQUE)
    );
}

#[test]
fn unknown_is_not_found() {
    for text in [
        "",
        "nothing",
        "nothing.llvm.1",
        "nothing.llvm.*",
        "init_onc",
        "init_once_",
        "init_once.llvm",
        "init_once.llvm.",
        "init_once.llvm.**",
        "vlo",
        "vlog.",
        "_entry",
        ".llvm.*",
        "lone.llvm.77.llvm.*",
    ] {
        for sympos in [0, 1, 2] {
            assert_eq!(llvm(text, sympos), "not-found 0", "{text}");
        }
    }
}

/// A static local is a name of its own, with our rule; not so when a kernel cuts at the dot.
#[test]
fn static_locals() {
    assert_eq!(llvm("vlog", 0), "exact 11 1/1");
    assert_eq!(llvm("vlog._entry", 0), "exact 12 1/1");
    assert_eq!(answer(Policy::Exact, "vlog", 0), "exact 11 1/1");
    assert_eq!(answer(Policy::LlvmCut, "vlog", 0), "exact 11 1/1");
    assert_eq!(answer(Policy::DotCut, "vlog", 0), "ambiguous 3");
    assert_eq!(answer(Policy::DotCut, "vlog", 2), "exact 12 2/3");
    assert!(answer(Policy::DotCut, "vlog._entry", 0).starts_with("exact "));
    assert!(answer(Policy::DotCut, "vlog._entry", 0).ends_with(" 1/1"));
}

#[test]
fn stock_kernels() {
    // 6.11 and later: exact, and nothing else.
    assert_eq!(answer(Policy::Exact, "init_once", 2), "exact 2 2/5");
    assert_eq!(answer(Policy::Exact, "lone", 0), "not-found 0");
    assert_eq!(answer(Policy::Exact, "lone.llvm.77", 0), "exact 3 1/1");
    assert_eq!(answer(Policy::Exact, "lone.llvm.78", 0), "not-found 0");
    assert_eq!(answer(Policy::Exact, "lone.llvm.*", 0), "not-found 0");
    // 6.5 to 6.10: the promoted ones count as well, and so do the cold halves.
    assert_eq!(answer(Policy::LlvmCut, "init_once", 0), "ambiguous 7");
    assert_eq!(answer(Policy::LlvmCut, "init_once", 2), "exact 1 2/7");
    assert_eq!(answer(Policy::LlvmCut, "lone", 0), "exact 3 1/1");
    assert_eq!(answer(Policy::LlvmCut, "twin", 0), "ambiguous 3");
    assert_eq!(answer(Policy::LlvmCut, "twin", 3), "exact 10 3/3");
    assert_eq!(answer(Policy::LlvmCut, "lone.llvm.*", 0), "not-found 0");
    assert_eq!(answer(Policy::DotCut, "lone.llvm.*", 0), "not-found 0");
}

#[test]
fn reasons_in_words() {
    assert_eq!(Reason::NotFound.to_string(), "not-found");
    let ambiguous = Reason::Ambiguous { matches: 2 };
    assert_eq!(ambiguous.to_string(), "ambiguous");
    let position = Reason::NoSuchPosition { matches: 2 };
    assert_eq!(position.to_string(), "no-such-position");
}

/// Returns the lines of a listing, as `position:full name`, until it has shown `limit`.
fn list(text: &str, limit: usize) -> [Vec<String>; 2] {
    let table = table();
    let query = Query::new(text.as_bytes());
    let collect = |indexed: bool| {
        let mut lines = Vec::new();
        let visit = &mut |candidate: klp_policy::Candidate<'_>| {
            lines.push(format!("{}:{}", candidate.position, candidate.symbol.name));
            if lines.len() == limit {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        };
        if indexed {
            list_in_index(&table, Policy::Llvm, &query, visit);
        } else {
            list_in_sequence(&table, Policy::Llvm, &query, visit);
        }
        lines
    };
    [collect(true), collect(false)]
}

#[test]
fn candidates_are_listed_in_order() {
    for lines in list("pair", 99) {
        assert_eq!(lines, ["1:pair.llvm.2", "2:pair.llvm.1"]);
    }
    for lines in list("twin.llvm.*", 99) {
        assert_eq!(lines, ["1:twin", "2:twin.llvm.5"]);
    }
    for lines in list("twin", 99) {
        assert_eq!(lines, ["1:twin"]);
    }
    for lines in list("nothing", 99) {
        assert!(lines.is_empty());
    }
}

#[test]
fn a_listing_stops_when_it_is_told_to() {
    for lines in list("init_once.llvm.*", 2) {
        assert_eq!(lines, ["1:init_once", "2:init_once.llvm.9"]);
    }
    for lines in list("init_once", 1) {
        assert_eq!(lines, ["1:init_once"]);
    }
}
