// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The functions and variables that differ between two kernels.

use super::names::function;
use super::pieces::Piece;
use std::collections::{BTreeMap, BTreeSet};

/// The difference between two kernels. Each function or variable is here with all of its names.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// The functions of the second kernel that the first does not have in this form.
    pub functions: BTreeSet<Vec<String>>,
    /// The variables that both kernels have, with other contents.
    pub data: BTreeSet<Vec<String>>,
}

/// Compares all functions and variables.
///
/// Those of one name are compared as sets, so that it does not matter which is which.
pub fn difference(first: &[Piece], second: &[Piece]) -> Difference {
    let (first, second) = (by_name(first), by_name(second));
    let mut difference = Difference::default();
    for (key, pieces) in &second {
        let mut left: Vec<_> = first.get(key).into_iter().flatten().collect();
        let mut other = Vec::new();
        for piece in pieces {
            match left.iter().position(|old| old.hash == piece.hash) {
                Some(same) => {
                    left.swap_remove(same);
                }
                None => other.push(piece),
            }
        }
        let (is_function, key) = key;
        if *is_function {
            let names = |piece: &&&Piece| {
                piece
                    .names
                    .iter()
                    .map(|name| function(name).to_owned())
                    .collect()
            };
            difference.functions.extend(other.iter().map(names));
        } else if !left.is_empty() && !is_index_entry(key) {
            difference
                .data
                .extend(other.iter().map(|piece| piece.names.clone()));
        }
    }
    difference
}

/// Returns true for what the index of messages has of a `printk()`: the number of its line. Nothing else refers to it.
fn is_index_entry(name: &str) -> bool {
    name.ends_with("._entry")
}

fn by_name(pieces: &[Piece]) -> BTreeMap<(bool, &str), Vec<&Piece>> {
    let mut all: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for piece in pieces {
        let name = piece.names.first().map_or("", String::as_str);
        all.entry((piece.is_function, name))
            .or_default()
            .push(piece);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(name: &str, is_function: bool, contents: &str) -> Piece {
        Piece {
            names: vec![name.to_owned()],
            is_function,
            hash: blake3::hash(contents.as_bytes()),
        }
    }

    #[test]
    fn only_what_has_no_equal_differs() {
        let first = [
            piece("foo", true, "a"),
            piece("foo", true, "b"),
            piece("bar", true, "c"),
            piece("data", false, "d"),
            piece("gone", true, "e"),
            piece("foo._entry", false, "line 1"),
        ];
        let second = [
            piece("foo", true, "b"),
            piece("foo", true, "x"),
            piece("bar", true, "c"),
            piece("data", false, "y"),
            piece("__cfi_new", true, "f"),
            piece("new_data", false, "g"),
            piece("foo._entry", false, "line 2"),
        ];
        let found = difference(&first, &second);
        let expected = ["foo", "new"].map(|name| vec![name.to_owned()]);
        assert_eq!(found.functions, BTreeSet::from(expected));
        assert_eq!(found.data, BTreeSet::from([vec!["data".to_owned()]]));
    }
}
