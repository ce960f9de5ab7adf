// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Finds names in a table that is sorted by name.
//!
//! A look at a symbol of vmlinux is expensive, since the kernel keeps the names compressed;
//! comparing names is not. So what counts is how many symbols are looked at.

use super::clean::{
    cleanup_symbol_name,
    CleanName, //
};
use super::prefix::Prefix;
use super::table::{
    NameIndex,
    Visit, //
};
use core::ops::{
    ControlFlow,
    Range, //
};

/// Visits the symbols whose full names begin with `prefix`, sorted by name.
#[cfg(feature = "stock")]
pub fn walk_prefix<T: NameIndex + ?Sized>(index: &T, prefix: &[u8], visit: &mut Visit<'_>) {
    walk(index, &Prefix::of_bytes(prefix), 0, 0, visit);
}

/// Visits the symbols of `index` whose cleaned name is `name`, each once, in no particular order.
///
/// A suffix may stand at the end of the name or before any of its dots: one walk is needed for each
/// of these places, and one for the symbols without a suffix. A symbol with several suffixes
/// belongs to the walk of its first. A symbol that is visited has the name's beginning up to its
/// suffix, so it has at least as much in common with the name as one of the name's neighbours in
/// the table: what these do not share, no symbol has, and needs no walk, however many dots there
/// are.
///
/// `near` is a place near that of the name, if one is known, and becomes the place of the name,
/// from which another search for it is short.
pub(super) fn walk_cleaned<T: NameIndex + ?Sized>(
    index: &T,
    name: CleanName<'_>,
    near: &mut Option<u32>,
    visit: &mut Visit<'_>,
) {
    let len = name.len();
    let found = locate(index, name, *near);
    *near = Some(found.place);
    let mut flow = ControlFlow::Continue(());
    let mut is_name = found.exact;
    for place in found.place..index.size() {
        if !is_name || flow.is_break() {
            break;
        }
        index.symbol(place, &mut |symbol| {
            is_name = name == *symbol.name.0;
            if is_name && cleanup_symbol_name(symbol.name.0) == name {
                flow = visit(symbol);
            }
        });
    }
    let before_dots = name
        .bytes()
        .enumerate()
        .filter_map(|(at, byte)| (byte == b'.' && at > 0).then_some(at))
        // The dot is shared, too.
        .take_while(|at| *at < found.shared);
    let at_end = (found.shared >= len).then_some(len);
    for suffix in before_dots.chain(at_end) {
        if flow.is_break() {
            return;
        }
        // What is longer comes later.
        let from = if suffix == len { found.place } else { 0 };
        let prefix = Prefix::promoted(name, suffix);
        walk(index, &prefix, from, found.place, &mut |symbol| {
            let cleaned = cleanup_symbol_name(symbol.name.0);
            if cleaned.head_len() == suffix && cleaned == name {
                flow = visit(symbol);
            }
            flow
        });
    }
}

/// Visits the symbols whose full names begin with `prefix`, sorted by name. None is before the
/// place `from`, and the first is perhaps `near` a place.
fn walk<T: NameIndex + ?Sized>(
    index: &T,
    prefix: &Prefix<'_>,
    from: u32,
    near: u32,
    visit: &mut Visit<'_>,
) {
    let first = partition(from..index.size(), Some(near), |place| {
        let mut less = false;
        index.symbol(place, &mut |symbol| {
            less = prefix.cmp_start(symbol.name.0).is_gt();
        });
        less
    });
    for place in first..index.size() {
        let mut flow = ControlFlow::Break(());
        index.symbol(place, &mut |symbol| {
            if prefix.cmp_start(symbol.name.0).is_eq() {
                flow = visit(symbol);
            }
        });
        if flow.is_break() {
            return;
        }
    }
}

/// The place that a name has or would have in a table.
struct Located {
    /// The place of the first symbol that is not less.
    place: u32,
    /// Says that this symbol has the name.
    exact: bool,
    /// How many bytes at its beginning the name shares with this symbol or the one before it,
    /// whichever has more; no symbol has more.
    shared: usize,
}

fn locate<T: NameIndex + ?Sized>(index: &T, name: CleanName<'_>, near: Option<u32>) -> Located {
    let len = name.len();
    let mut exact = false;
    // With the last one seen to be less, and to be not less: in the end, the neighbours.
    let (mut below, mut above) = (0, 0);
    let place = partition(0..index.size(), near, |place| {
        let mut less = false;
        index.symbol(place, &mut |symbol| {
            let other = symbol.name.0;
            let common = name.bytes().zip(other).take_while(|(a, b)| a == *b).count();
            less = match (name.bytes().nth(common), other.get(common)) {
                (Some(byte), Some(other)) => *other < byte,
                (Some(_), None) => true,
                (None, _) => false,
            };
            if less {
                below = common;
            } else {
                above = common;
                exact = common == len && other.len() == len;
            }
        });
        less
    });
    Located {
        place,
        exact,
        shared: below.max(above),
    }
}

/// The first place in `range` that is not `less`; all that are less come before those that are not.
///
/// With a place that is `near`, asks about few places if that is near indeed. Unless the range ends
/// there, the last place that is seen to be less is the one before the result, and the last that is
/// seen to be not less is the result.
fn partition(range: Range<u32>, near: Option<u32>, mut less: impl FnMut(u32) -> bool) -> u32 {
    /// How often the steps double before the rest is bisected.
    const DOUBLINGS: u32 = 5;

    let Range {
        start: mut low,
        end: mut high,
    } = range;
    if let Some(near) = near.map(|near| near.clamp(low, high)) {
        let upwards = near < high && less(near);
        if upwards {
            low = near + 1;
        } else {
            high = near;
        }
        for step in (0..DOUBLINGS).map(|doublings| 1_u32 << doublings) {
            if low >= high {
                break;
            }
            let probe = if upwards {
                low.saturating_add(step - 1).min(high - 1)
            } else {
                high.saturating_sub(step).max(low)
            };
            let is_less = less(probe);
            if is_less {
                low = probe + 1;
            } else {
                high = probe;
            }
            if is_less != upwards {
                break;
            }
        }
    }
    while low < high {
        let middle = low + (high - low) / 2;
        if less(middle) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low
}
