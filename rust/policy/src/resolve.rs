// SPDX-License-Identifier: GPL-2.0 OR MIT

//! From a query and a position to one symbol of a table, or to why there is none.
//!
//! Nothing here allocates: where positions do not come in the order in which a table is walked, the
//! table is walked again, a number of times logarithmic in its length.

use super::clean::{
    cleanup_symbol_name,
    CleanName, //
};
use super::name::{
    SymbolName,
    Sympos, //
};
use super::query::Query;
use super::rule::Policy;
use super::search::walk_cleaned;
#[cfg(feature = "stock")]
use super::search::walk_prefix;
use super::table::{
    NameIndex,
    Symbol,
    SymbolSequence,
    Visit, //
};
use core::{
    fmt,
    ops::{
        ControlFlow,
        Range, //
    },
};

/// The part of a symbol's name that was equal to the name asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MatchedBy {
    /// The name as the stock kernel compares it.
    Exact,
    /// The cleaned name: an answer that a stock kernel would not have given.
    Cleaned,
}

/// The one symbol that a query means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// The symbol's address.
    pub address: u64,
    /// The symbol's place in its table.
    pub seq: u32,
    /// Its position among the matches, counted from 1.
    pub position: u64,
    /// How many symbols the query matches.
    pub matches: u64,
    /// The part of the name that was compared.
    pub by: MatchedBy,
}

/// Why a query means no symbol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Nothing matches.
    NotFound,
    /// The only match was asked for, and there are `matches`.
    Ambiguous {
        /// How many symbols the query matches.
        matches: u64,
    },
    /// The position is past the last match.
    NoSuchPosition {
        /// How many symbols the query matches.
        matches: u64,
    },
}

impl Reason {
    /// The reason in one word, as the generator and debugfs print it.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::NotFound => "not-found",
            Self::Ambiguous { .. } => "ambiguous",
            Self::NoSuchPosition { .. } => "no-such-position",
        }
    }

    /// How many symbols the query matches.
    #[must_use]
    pub const fn matches(&self) -> u64 {
        match *self {
            Self::NotFound => 0,
            Self::Ambiguous { matches } | Self::NoSuchPosition { matches } => matches,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One of the symbols that a query matches.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'a> {
    /// Its position, counted from 1.
    pub position: u64,
    /// The symbol.
    pub symbol: Symbol<'a>,
}

/// Symbols counted on a walk, and the one among them that is wanted.
#[derive(Clone, Copy, Debug)]
struct Tally {
    wanted: u64,
    matches: u64,
    nth: Option<(u32, u64)>,
    lowest: u32,
    highest: u32,
    in_order: bool,
}

impl Tally {
    /// An empty count that looks for `sympos`.
    #[must_use]
    const fn new(sympos: Sympos) -> Self {
        Self {
            // The only match is the first one.
            wanted: if sympos.0 == 0 { 1 } else { sympos.0 },
            matches: 0,
            nth: None,
            lowest: u32::MAX,
            highest: 0,
            in_order: true,
        }
    }

    /// Counts one symbol.
    fn add(&mut self, symbol: &Symbol<'_>) {
        self.in_order &= self.matches == 0 || symbol.seq > self.highest;
        self.matches += 1;
        self.lowest = self.lowest.min(symbol.seq);
        self.highest = self.highest.max(symbol.seq);
        if self.matches == self.wanted {
            self.nth = Some((symbol.seq, symbol.address));
        }
    }

    /// Counts the symbols of one name at `places`, which are in order, and looks at the wanted one
    /// only.
    fn add_run<T: NameIndex + ?Sized>(&mut self, index: &T, places: Range<u32>) {
        self.matches = places.len() as u64;
        let wanted = usize::try_from(self.wanted - 1).unwrap_or(usize::MAX);
        for place in places.skip(wanted).take(1) {
            index.symbol(place, &mut |symbol| {
                self.nth = Some((symbol.seq, symbol.address));
            });
        }
    }

    /// Checks that `sympos` can be answered, before it is known by which symbol.
    fn admits(&self, sympos: Sympos) -> Result<(), Reason> {
        let matches = self.matches;
        match sympos {
            _ if matches == 0 => Err(Reason::NotFound),
            Sympos::UNIQUE if matches > 1 => Err(Reason::Ambiguous { matches }),
            Sympos(n) if n > matches => Err(Reason::NoSuchPosition { matches }),
            _ => Ok(()),
        }
    }

    fn found(&self, (seq, address): (u32, u64), by: MatchedBy) -> Found {
        Found {
            address,
            seq,
            position: self.wanted,
            matches: self.matches,
            by,
        }
    }
}

/// One way in which symbols can match a query. The ways are tried in turn, until one matches any.
#[derive(Clone, Copy)]
enum Want<'a> {
    /// The full name is this.
    Exact(SymbolName<'a>),
    /// The name without its promotion suffixes is this.
    Cleaned(CleanName<'a>),
    /// A stock kernel that cuts names takes the name for this.
    #[cfg(feature = "stock")]
    Cut(Policy, SymbolName<'a>),
}

impl<'a> Want<'a> {
    fn of(policy: Policy, query: &Query<'a>) -> [Option<Self>; 2] {
        let exact = query.exact();
        match policy {
            Policy::Llvm => {
                let cleaned = query.compares_cleaned().then(|| query.cleaned());
                [exact.map(Self::Exact), cleaned.map(Self::Cleaned)]
            }
            #[cfg(feature = "stock")]
            Policy::Exact => [exact.map(Self::Exact), None],
            #[cfg(feature = "stock")]
            Policy::LlvmCut | Policy::DotCut => [exact.map(|n| Self::Cut(policy, n)), None],
        }
    }

    const fn by(&self) -> MatchedBy {
        match self {
            Self::Exact(_) => MatchedBy::Exact,
            #[cfg(feature = "stock")]
            Self::Cut(..) => MatchedBy::Exact,
            Self::Cleaned(_) => MatchedBy::Cleaned,
        }
    }

    fn matches(&self, name: SymbolName<'_>) -> bool {
        match self {
            Self::Exact(wanted) => *wanted == name,
            Self::Cleaned(wanted) => matches_cleaned(wanted, name),
            #[cfg(feature = "stock")]
            Self::Cut(policy, wanted) => policy.cut_matches(*wanted, name),
        }
    }

    /// Visits the matches in `index`, each once, in no particular order.
    ///
    /// `near` is where the last search for them has ended, if there was one.
    fn walk<T: NameIndex + ?Sized>(
        &self,
        index: &T,
        near: &mut Option<u32>,
        visit: &mut Visit<'_>,
    ) {
        match *self {
            Self::Exact(name) => {
                let places = index.places(name);
                *near = Some(places.start);
                let mut flow = ControlFlow::Continue(());
                for place in places {
                    index.symbol(place, &mut |symbol| flow = visit(symbol));
                    if flow.is_break() {
                        return;
                    }
                }
            }
            Self::Cleaned(name) => walk_cleaned(index, name, near, visit),
            #[cfg(feature = "stock")]
            Self::Cut(_, name) => walk_prefix(index, name.0, &mut |symbol| {
                if self.matches(symbol.name) {
                    visit(symbol)
                } else {
                    ControlFlow::Continue(())
                }
            }),
        }
    }
}

/// Returns whether `name` is `wanted` without its promotion suffixes.
pub(super) fn matches_cleaned(wanted: &CleanName<'_>, name: SymbolName<'_>) -> bool {
    // Cleaning keeps the first byte, and most names have another one.
    wanted.first() == name.0.first() && cleanup_symbol_name(name.0) == *wanted
}

/// Resolves `query` in a table that can be entered by name.
///
/// # Errors
///
/// Says why not: no match, more than one where the only one was asked for, or fewer than `sympos`.
pub fn resolve_in_index<T: NameIndex + ?Sized>(
    index: &T,
    policy: Policy,
    query: &Query<'_>,
    sympos: Sympos,
) -> Result<Found, Reason> {
    let mut near = None;
    for want in Want::of(policy, query).into_iter().flatten() {
        let mut tally = Tally::new(sympos);
        if let Want::Exact(name) = want {
            let places = index.places(name);
            near = Some(places.start);
            tally.add_run(index, places);
        } else {
            want.walk(index, &mut near, &mut |symbol| {
                tally.add(&symbol);
                ControlFlow::Continue(())
            });
        }
        match tally.admits(sympos) {
            Err(Reason::NotFound) => continue,
            Err(reason) => return Err(reason),
            Ok(()) => {}
        }
        let place = match tally.nth {
            Some(nth) if tally.in_order => Some(nth),
            _ => select(index, &want, near, &tally),
        };
        return place
            .map(|nth| tally.found(nth, want.by()))
            .ok_or(Reason::NotFound);
    }
    Err(Reason::NotFound)
}

/// The wanted one of the symbols in `tally`, which were not walked in order.
///
/// Hashes sort as text, not by address. The n-th match has the smallest `seq` that n matches do not
/// exceed, and that number is found by bisection.
fn select<T: NameIndex + ?Sized>(
    index: &T,
    want: &Want<'_>,
    mut near: Option<u32>,
    tally: &Tally,
) -> Option<(u32, u64)> {
    let (mut low, mut high) = (tally.lowest, tally.highest);
    while low < high {
        let mid = low + (high - low) / 2;
        let mut below = 0;
        want.walk(index, &mut near, &mut |symbol| {
            below += u64::from(symbol.seq <= mid);
            ControlFlow::Continue(())
        });
        if below >= tally.wanted {
            high = mid;
        } else {
            low = mid + 1;
        }
    }
    let mut found = None;
    want.walk(index, &mut near, &mut |symbol| {
        if symbol.seq != low {
            return ControlFlow::Continue(());
        }
        found = Some((symbol.seq, symbol.address));
        ControlFlow::Break(())
    });
    found
}

/// Resolves `query` in a table that can only be read in its order, in one pass.
///
/// One pass, since a module's table may change between two.
///
/// # Errors
///
/// Says why not, as [`resolve_in_index()`] does.
pub fn resolve_in_sequence<T: SymbolSequence + ?Sized>(
    table: &T,
    policy: Policy,
    query: &Query<'_>,
    sympos: Sympos,
) -> Result<Found, Reason> {
    let wants = Want::of(policy, query);
    let mut tallies = [Tally::new(sympos); 2];
    table.walk(&mut |symbol| {
        for (want, tally) in wants.iter().zip(&mut tallies) {
            if matches!(want, Some(want) if want.matches(symbol.name)) {
                tally.add(&symbol);
            }
        }
        ControlFlow::Continue(())
    });
    for (want, tally) in wants.iter().zip(&tallies) {
        let (Some(want), true) = (want, tally.matches > 0) else {
            continue;
        };
        tally.admits(sympos)?;
        return tally
            .nth
            .map(|nth| tally.found(nth, want.by()))
            .ok_or(Reason::NotFound);
    }
    Err(Reason::NotFound)
}

/// Visits the symbols of `index` that `query` matches, each once, in no particular order.
pub fn visit_in_index<T: NameIndex + ?Sized>(
    index: &T,
    policy: Policy,
    query: &Query<'_>,
    visit: &mut Visit<'_>,
) {
    let mut near = None;
    for want in Want::of(policy, query).into_iter().flatten() {
        let mut any = false;
        want.walk(index, &mut near, &mut |symbol| {
            any = true;
            visit(symbol)
        });
        if any {
            return;
        }
    }
}

/// Visits the symbols of `index` that `query` matches, in the order in which positions count.
///
/// Each candidate costs two walks over all of them: meant for a message, which has few.
pub fn list_in_index<T: NameIndex + ?Sized>(
    index: &T,
    policy: Policy,
    query: &Query<'_>,
    visit: &mut dyn FnMut(Candidate<'_>) -> ControlFlow<()>,
) {
    let mut near = None;
    for want in Want::of(policy, query).into_iter().flatten() {
        let mut last = None;
        for position in 1.. {
            let mut next: Option<u32> = None;
            want.walk(index, &mut near, &mut |symbol| {
                if last < Some(symbol.seq) && next.map_or(true, |next| symbol.seq < next) {
                    next = Some(symbol.seq);
                }
                ControlFlow::Continue(())
            });
            if next.is_none() {
                break;
            }
            last = next;
            let mut flow = ControlFlow::Continue(());
            want.walk(index, &mut near, &mut |symbol| {
                if next != Some(symbol.seq) {
                    return ControlFlow::Continue(());
                }
                flow = visit(Candidate { position, symbol });
                ControlFlow::Break(())
            });
            if flow.is_break() {
                return;
            }
        }
        if last.is_some() {
            return;
        }
    }
}

/// Visits the symbols of `table` that `query` matches, in the order in which positions count.
pub fn list_in_sequence<T: SymbolSequence + ?Sized>(
    table: &T,
    policy: Policy,
    query: &Query<'_>,
    visit: &mut dyn FnMut(Candidate<'_>) -> ControlFlow<()>,
) {
    for want in Want::of(policy, query).into_iter().flatten() {
        let mut position = 0;
        table.walk(&mut |symbol| {
            if !want.matches(symbol.name) {
                return ControlFlow::Continue(());
            }
            position += 1;
            visit(Candidate { position, symbol })
        });
        if position > 0 {
            return;
        }
    }
}
