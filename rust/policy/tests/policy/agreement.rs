// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Random tables, random queries: the index, the sequence and the naive full scan agree.

use crate::table::Table;
use crate::{
    naive,
    random, //
};
use klp_policy::{
    list_in_index,
    list_in_sequence,
    resolve_in_index,
    resolve_in_sequence,
    visit_in_index,
    Asker,
    Candidate,
    Found,
    MatchedBy,
    Policy,
    Query,
    Reason,
    Symbol,
    Sympos, //
};
use proptest::prelude::*;
use std::ops::ControlFlow;

/// The answer for `sympos` among `matches`.
fn pick(matches: &[Symbol<'_>], by: MatchedBy, sympos: u64) -> Result<Found, Reason> {
    let count = matches.len() as u64;
    let position = match (sympos, count) {
        (_, 0) => return Err(Reason::NotFound),
        (0, 1) => 1,
        (0, _) => return Err(Reason::Ambiguous { matches: count }),
        (n, _) if n > count => return Err(Reason::NoSuchPosition { matches: count }),
        (n, _) => n,
    };
    let symbol = matches[usize::try_from(position - 1).unwrap()];
    Ok(Found {
        address: symbol.address,
        seq: symbol.seq,
        position,
        matches: count,
        by,
    })
}

/// Resolves a query under a rule in a full scan.
fn scan<'t>(
    table: &'t Table,
    policy: Policy,
    asker: Asker,
    text: &[u8],
) -> (Vec<Symbol<'t>>, MatchedBy) {
    let symbols: Vec<Symbol<'_>> = table.iter().collect();
    // The kernels that cut at the dot compared the whole name first.
    let cut = |at: &[u8]| {
        let matches = symbols
            .iter()
            .filter(|s| naive::cut(s.name.0, at) == text || (at == b"." && s.name.0 == text));
        // Nobody can have a `*` behind the suffix that is cut.
        let asks_any = text.len() > 7 && text.ends_with(b".llvm.*");
        matches.filter(|_| !asks_any).copied().collect()
    };
    match policy {
        Policy::Llvm => {
            let (matches, exact) = naive::matches(&symbols, asker, text);
            let by = [MatchedBy::Cleaned, MatchedBy::Exact][usize::from(exact)];
            (matches, by)
        }
        Policy::Exact => {
            let asks_any = text.len() > 7 && text.ends_with(b".llvm.*");
            let matches = symbols.iter().filter(|s| s.name.0 == text && !asks_any);
            (matches.copied().collect(), MatchedBy::Exact)
        }
        Policy::LlvmCut => (cut(b".llvm."), MatchedBy::Exact),
        Policy::DotCut => (cut(b"."), MatchedBy::Exact),
    }
}

/// Everything that a listing shows: position, sequence number, address.
fn collect(
    list: impl FnOnce(&mut dyn FnMut(Candidate<'_>) -> ControlFlow<()>),
) -> Vec<(u64, u32, u64)> {
    let mut listed = Vec::new();
    list(&mut |Candidate { position, symbol }| {
        listed.push((position, symbol.seq, symbol.address));
        ControlFlow::Continue(())
    });
    listed
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn on_the_answer(
        table in random::table(),
        asker in random::asker(),
        text in random::query(),
        sympos in random::sympos(),
    ) {
        let query = Query::asked_by(asker, &text);
        for policy in Policy::ALL {
            let (matches, by) = scan(&table, policy, asker, &text);
            let expected = pick(&matches, by, sympos);
            let sympos = Sympos(sympos);
            let index = resolve_in_index(&table, policy, &query, sympos);
            let sequence = resolve_in_sequence(&table, policy, &query, sympos);
            prop_assert_eq!(index, expected, "{}", policy);
            prop_assert_eq!(sequence, expected, "{}", policy);
        }
    }

    #[test]
    fn on_the_candidates(
        table in random::table(),
        asker in random::asker(),
        text in random::query(),
    ) {
        let query = Query::asked_by(asker, &text);
        for policy in Policy::ALL {
            let (matches, _) = scan(&table, policy, asker, &text);
            let expected: Vec<(u64, u32, u64)> = (1..)
                .zip(&matches)
                .map(|(position, symbol)| (position, symbol.seq, symbol.address))
                .collect();
            let index = collect(|visit| list_in_index(&table, policy, &query, visit));
            prop_assert_eq!(&index, &expected, "{}", policy);
            let sequence = collect(|visit| list_in_sequence(&table, policy, &query, visit));
            prop_assert_eq!(&sequence, &expected, "{}", policy);

            let mut visited = Vec::new();
            visit_in_index(&table, policy, &query, &mut |symbol| {
                visited.push(symbol.seq);
                ControlFlow::Continue(())
            });
            visited.sort_unstable();
            let expected: Vec<u32> = matches.iter().map(|symbol| symbol.seq).collect();
            prop_assert_eq!(visited, expected, "{}", policy);
        }
    }

    /// The kernel answers the name that the generator writes for a symbol with that symbol.
    #[test]
    fn on_every_symbol_of_a_table(table in random::table()) {
        for symbol in table.iter() {
            let cleaned = naive::clean(symbol.name.0);
            if cleaned.is_empty() {
                // Nobody can ask for a symbol without a name.
                continue;
            }
            let position = table
                .iter()
                .filter(|s| s.seq <= symbol.seq && naive::clean(s.name.0) == cleaned)
                .count() as u64;
            let text = [&cleaned, &b".llvm.*"[..]].concat();
            let query = Query::new(&text);
            for found in [
                resolve_in_index(&table, Policy::Llvm, &query, Sympos(position)),
                resolve_in_sequence(&table, Policy::Llvm, &query, Sympos(position)),
            ] {
                prop_assert_eq!(found.map(|f| (f.seq, f.address)), Ok((symbol.seq, symbol.address)));
            }
        }
    }

    /// An answer of a stock kernel is ours as well.
    #[test]
    fn with_the_stock_kernel(
        table in random::table(),
        asker in random::asker(),
        text in random::query(),
        sympos in random::sympos(),
    ) {
        let query = Query::asked_by(asker, &text);
        let stock = resolve_in_index(&table, Policy::Exact, &query, Sympos(sympos));
        if stock != Err(Reason::NotFound) {
            let ours = resolve_in_index(&table, Policy::Llvm, &query, Sympos(sympos));
            prop_assert_eq!(ours, stock);
        }
    }
}
