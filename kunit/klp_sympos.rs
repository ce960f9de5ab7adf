// SPDX-License-Identifier: GPL-2.0

//! The suite `klp_sympos`: lookups in the symbol table of the kernel that runs it.
//!
//! What that table has is not known, so nothing here asks for a certain name, let alone a hash. A
//! naive walk over the table says what the answers must be.

use crate::checks::{
    Checks,
    Name, //
};
use crate::kunit_tests;
use crate::machine::{
    module,
    vmlinux,
    walk_vmlinux, //
};
use crate::policy::{
    cleanup_symbol_name,
    list_in_index,
    resolve_in_index,
    resolve_in_sequence,
    Asker,
    Found,
    MatchedBy,
    Policy,
    Query,
    Reason,
    Symbol,
    SymbolSequence,
    Sympos,
    KSYM_NAME_LEN, //
};
use core::{
    num::NonZeroU64,
    ops::ControlFlow, //
};

fn for_each(prefix: &[u8], mut visit: impl FnMut(Symbol<'_>)) {
    walk_vmlinux(prefix, &mut |symbol| {
        visit(symbol);
        ControlFlow::Continue(())
    });
}

fn count(prefix: &[u8], counts: impl Fn(&Symbol<'_>) -> bool) -> u64 {
    let mut count = 0;
    for_each(prefix, |symbol| count += u64::from(counts(&symbol)));
    count
}

fn is_promoted(symbol: &Symbol<'_>) -> bool {
    cleanup_symbol_name(symbol.name.0).len() < symbol.name.0.len()
}

/// Returns a step by which about `wanted` of `all` are visited.
fn step_of(all: u64, wanted: u64) -> NonZeroU64 {
    NonZeroU64::MIN.saturating_add(all / wanted)
}

/// Visits about `wanted` symbols of all, and as many of the promoted ones; of a small table, all.
fn for_some(wanted: u64, mut visit: impl FnMut(Symbol<'_>)) {
    let step = step_of(count(b"", |_| true), wanted);
    let promoted_step = step_of(count(b"", is_promoted), wanted);
    let (mut all, mut promoted) = (0, 0);
    for_each(b"", |symbol| {
        all += 1;
        promoted += u64::from(is_promoted(&symbol));
        if all % step == 0 || is_promoted(&symbol) && promoted % promoted_step == 0 {
            visit(symbol);
        }
    });
}

fn resolve(text: &[u8], position: u64) -> Result<Found, Reason> {
    resolve_for(Asker::Livepatch, text, position)
}

fn resolve_for(asker: Asker, text: &[u8], position: u64) -> Result<Found, Reason> {
    let query = Query::asked_by(asker, text);
    resolve_in_index(&vmlinux(), Policy::Llvm, &query, Sympos(position))
}

/// How many symbols the query in `text` matches, whether they come in order, and whether each is
/// found by its own position.
fn check_positions(text: &[u8], checks: &mut Checks) -> u64 {
    let mut matches = 0;
    let mut last = None;
    list_in_index(&vmlinux(), Policy::Llvm, &Query::new(text), &mut |found| {
        matches += 1;
        let symbol = found.symbol;
        checks.that(
            "order",
            text,
            found.position == matches && last < Some(symbol.seq),
        );
        last = Some(symbol.seq);
        let again = resolve(text, found.position).map(|f| (f.seq, f.address, f.position));
        let expected = (symbol.seq, symbol.address, found.position);
        checks.that("position", text, again == Ok(expected));
        ControlFlow::Continue(())
    });
    matches
}

/// What must be the answers at the edges for a name with `matches`.
fn check_edges(text: &[u8], matches: u64, checks: &mut Checks) {
    let unique = resolve(text, 0);
    let expected = if matches == 1 {
        unique.is_ok() && unique == resolve(text, 1)
    } else {
        unique == Err(Reason::Ambiguous { matches })
    };
    checks.that("the only match", text, expected);
    for past in [matches + 1, u64::MAX] {
        let refused = resolve(text, past) == Err(Reason::NoSuchPosition { matches });
        checks.that("a position past the last", text, refused);
    }
}

#[kunit_tests(klp_sympos)]
mod tests {
    use super::*;

    #[test]
    fn a_walk_is_sorted_by_name() {
        let mut checks = Checks::default();
        let mut last = (Name::none(), 0);
        for_each(b"", |symbol| {
            let name = symbol.name.0;
            checks.that(
                "sorting",
                name,
                (last.0.bytes(), last.1) <= (name, symbol.seq),
            );
            last = (Name::new(name.iter().copied()), symbol.seq);
        });
        assert!(checks.all_passed());
    }

    /// Each line of `/proc/kallsyms` once: their numbers are 0 to n - 1, without a gap.
    #[test]
    fn a_walk_visits_every_symbol_once() {
        let (mut symbols, mut sum, mut highest) = (0_u64, 0_u64, 0);
        for_each(b"", |symbol| {
            symbols += 1;
            sum += u64::from(symbol.seq);
            highest = highest.max(u64::from(symbol.seq));
        });
        assert!(symbols > 0);
        assert_eq!(highest, symbols - 1);
        assert_eq!(sum, symbols * highest / 2);
    }

    #[test]
    fn a_walk_by_prefix_is_a_part_of_the_whole() {
        let mut checks = Checks::default();
        for prefix in [
            &b"init_"[..],
            b"s",
            b"__",
            b".",
            b"_R",
            b"seq_show.",
            b"~none",
        ] {
            let in_walk = |symbol: &Symbol<'_>| symbol.name.0.starts_with(prefix);
            let all = count(b"", in_walk);
            checks.that("prefix", prefix, count(prefix, in_walk) == all);
            checks.that("prefix", prefix, count(prefix, |_| true) == all);
        }
        assert!(checks.all_passed());
    }

    #[test]
    fn a_walk_stops_when_it_is_told_to() {
        let mut visited = 0;
        walk_vmlinux(b"", &mut |_| {
            visited += 1;
            ControlFlow::Break(())
        });
        assert_eq!(visited, 1);
    }

    /// The equal names of a sorted walk are a run: so many the stock kernel finds, in this order.
    #[test]
    fn exact_names_are_counted_as_the_stock_kernel_does() {
        let mut checks = Checks::default();
        let step = step_of(count(b"", |_| true), 500);
        let mut runs = 0_u64;
        let mut run = (Name::none(), 0_u64, 0, 0);
        let mut check = |(name, matches, seq, address): &(Name, u64, u32, u64)| {
            runs += 1;
            if *matches == 0 || *matches == 1 && runs % step != 0 {
                return;
            }
            let last = resolve(name.bytes(), *matches);
            let expected = Found {
                address: *address,
                seq: *seq,
                position: *matches,
                matches: *matches,
                by: MatchedBy::Exact,
            };
            checks.that("the last", name.bytes(), last == Ok(expected));
            check_edges(name.bytes(), *matches, &mut checks);
        };
        for_each(b"", |symbol| {
            if run.0.bytes() != symbol.name.0 {
                check(&run);
                run = (Name::new(symbol.name.0.iter().copied()), 0, 0, 0);
            }
            run = (
                Name::new(symbol.name.0.iter().copied()),
                run.1 + 1,
                symbol.seq,
                symbol.address,
            );
        });
        check(&run);
        assert!(checks.all_passed());
    }

    #[test]
    fn every_match_is_found_by_its_position() {
        let mut checks = Checks::default();
        for_some(200, |symbol| {
            let text = Name::cleaned(&symbol, b".llvm.*");
            let matches = check_positions(text.bytes(), &mut checks);
            checks.that("a match", text.bytes(), matches > 0);
            check_edges(text.bytes(), matches, &mut checks);
        });
        assert!(checks.all_passed());
    }

    /// Every symbol is among those that `<cleaned name>.llvm.*` lists.
    #[test]
    fn every_symbol_is_listed_under_its_cleaned_name() {
        let mut checks = Checks::default();
        for_some(200, |symbol| {
            let text = Name::cleaned(&symbol, b".llvm.*");
            let mut listed = 0;
            let query = Query::new(text.bytes());
            list_in_index(&vmlinux(), Policy::Llvm, &query, &mut |candidate| {
                listed += u32::from(candidate.symbol == symbol);
                ControlFlow::Continue(())
            });
            checks.that("listing", symbol.name.0, listed == 1);
        });
        assert!(checks.all_passed());
    }

    #[test]
    fn any_is_the_naive_scan() {
        let mut checks = Checks::default();
        for_some(6, |symbol| {
            let cleaned = Name::cleaned(&symbol, b"");
            let mut naive = (0_u64, 0_u64);
            for_each(b"", |other| {
                if cleanup_symbol_name(other.name.0) == *cleaned.bytes() {
                    naive = (naive.0 + 1, naive.1 + u64::from(other.seq));
                }
            });
            let text = Name::cleaned(&symbol, b".llvm.*");
            let mut listed = (0, 0);
            let query = Query::new(text.bytes());
            list_in_index(&vmlinux(), Policy::Llvm, &query, &mut |candidate| {
                listed = (
                    candidate.position,
                    listed.1 + u64::from(candidate.symbol.seq),
                );
                ControlFlow::Continue(())
            });
            checks.that("the scan", text.bytes(), listed == naive);
        });
        assert!(checks.all_passed());
    }

    #[test]
    fn unknown_names_are_not_found() {
        let mut checks = Checks::default();
        for name in [
            &b""[..],
            b"~none",
            b"~none.llvm.1",
            b"~none.llvm.*",
            b".llvm.*",
            b"*",
            &[b'f'; KSYM_NAME_LEN - 1],
            &[b'f'; KSYM_NAME_LEN],
            &[b'f'; 2 * KSYM_NAME_LEN],
        ] {
            for position in [0, 1, 2] {
                let answer = resolve(name, position);
                checks.that("absence", name, answer == Err(Reason::NotFound));
            }
        }
        assert!(checks.all_passed());
    }

    /// Without an exact name, a plain one means the cleaned ones. With one, these are hidden.
    #[test]
    fn a_plain_name_is_exact_before_it_is_cleaned() {
        let mut checks = Checks::default();
        for_some(100, |symbol| {
            let name = Name::cleaned(&symbol, b"");
            let any = Name::cleaned(&symbol, b".llvm.*");
            // A name that looks promoted again once it is cleaned would not be read as plain.
            if !matches!(Query::new(name.bytes()), Query::Plain(_)) {
                return;
            }
            let exact = count(name.bytes(), |other| other.name.0 == name.bytes());
            let answer = resolve(name.bytes(), 1);
            if exact == 0 {
                checks.that("cleaned", name.bytes(), answer == resolve(any.bytes(), 1));
                return;
            }
            let answer = answer.map(|found| (found.by, found.matches));
            checks.that(
                "exact",
                name.bytes(),
                answer == Ok((MatchedBy::Exact, exact)),
            );
            let listed = check_positions(name.bytes(), &mut checks);
            checks.that("listing", name.bytes(), listed == exact);
        });
        assert!(checks.all_passed());
    }

    /// The full name of a symbol means that symbol, whatever else has the same name in the source.
    #[test]
    fn a_hashed_name_is_exact() {
        let mut checks = Checks::default();
        for_some(200, |symbol| {
            let name = symbol.name.0;
            let exact = count(name, |other| other.name.0 == name);
            if exact == 1 {
                let answer = resolve(name, 0).map(|f| (f.address, f.seq, f.by));
                let expected = (symbol.address, symbol.seq, MatchedBy::Exact);
                checks.that("the symbol", name, answer == Ok(expected));
            }
        });
        assert!(checks.all_passed());
    }

    /// A hash of another build means nothing in a livepatch, and to a tracer what the cleaned name
    /// means.
    #[test]
    fn a_hash_of_another_build_is_for_tracers() {
        let mut checks = Checks::default();
        for_some(100, |symbol| {
            let text = Name::cleaned(&symbol, b".llvm.0");
            let any = Name::cleaned(&symbol, b".llvm.*");
            let is_cleaned =
                cleanup_symbol_name(text.bytes()) == cleanup_symbol_name(symbol.name.0);
            if is_cleaned && count(text.bytes(), |other| other.name.0 == text.bytes()) == 0 {
                let answer = resolve(text.bytes(), 1);
                let refused = answer == Err(Reason::NotFound);
                checks.that("in a livepatch", text.bytes(), refused);
                let answer = resolve_for(Asker::Tracer, text.bytes(), 1);
                checks.that(
                    "to a tracer",
                    text.bytes(),
                    answer == resolve(any.bytes(), 1),
                );
            }
        });
        assert!(checks.all_passed());
    }

    #[test]
    fn symbols_of_a_module_are_found_by_their_position() {
        let mut checks = Checks::default();
        let mut next = 0;
        module().walk(&mut |symbol| {
            checks.that("numbering", symbol.name.0, symbol.seq == next);
            next += 1;
            ControlFlow::Continue(())
        });
        for seq in 0..next {
            let mut text = Name::none();
            let mut position = 0;
            let mut address = 0;
            // The walk holds a lock that the next one takes: first the name, then the question.
            module().walk(&mut |symbol| {
                if symbol.seq == seq {
                    text = Name::cleaned(&symbol, b".llvm.*");
                    address = symbol.address;
                    return ControlFlow::Break(());
                }
                ControlFlow::Continue(())
            });
            module().walk(&mut |symbol| {
                let cleaned = Name::cleaned(&symbol, b".llvm.*");
                position += u64::from(symbol.seq <= seq && cleaned.bytes() == text.bytes());
                ControlFlow::Continue(())
            });
            let query = Query::new(text.bytes());
            let answer = resolve_in_sequence(&module(), Policy::Llvm, &query, Sympos(position));
            let answer = answer.map(|found| (found.seq, found.address));
            // Sections have symbols without a name, which nobody can ask for.
            let nameless = matches!(query, Query::Plain(_));
            checks.that(
                "the symbol",
                text.bytes(),
                nameless || answer == Ok((seq, address)),
            );
        }
        assert!(checks.all_passed());
    }
}
