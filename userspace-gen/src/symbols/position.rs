// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Positions among the symbols of a cleaned name.

use super::entry::Entry;
use klp_policy::{Policy, SymbolName};
use std::borrow::Cow;
use std::hash::BuildHasher;

/// The position of a symbol among the symbols that share its cleaned name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// Its position, counted from 1.
    pub sympos: u32,
    /// The number of symbols that share the name.
    pub matches: u32,
}

impl Position {
    const UNIQUE: Self = Self {
        sympos: 1,
        matches: 1,
    };
}

/// Returns the position of each of `entries`.
///
/// Names are spread over a large file. The function sorts their hashes, which reads each name once; a table
/// of names would wait for memory at every step. The hashes should have a secret key, because a file may be
/// hostile.
pub(super) fn all<'t, 'd: 't>(
    policy: Policy,
    entries: impl Iterator<Item = &'t Entry<'d>>,
    hasher: &impl BuildHasher,
) -> Vec<Position> {
    let entries: Vec<_> = entries.collect();
    let hash = |entry: &&Entry<'d>| hasher.hash_one(clean(policy, entry.name));
    let mut order: Vec<(u64, u32)> = entries.iter().map(hash).zip(0..).collect();
    order.sort_unstable();

    let mut positions = vec![Position::UNIQUE; entries.len()];
    let name = |at: u32| entries.get(at as usize).map(|e| policy.clean(e.name.0));
    for equal in order.chunk_by_mut(|a, b| a.0 == b.0) {
        if equal.len() == 1 {
            continue;
        }
        // Different names may have the same hash.
        equal.sort_unstable_by(|a, b| name(a.1).cmp(&name(b.1)).then(a.1.cmp(&b.1)));
        for group in equal.chunk_by(|a, b| name(a.1) == name(b.1)) {
            let matches = u32::try_from(group.len()).unwrap_or(u32::MAX);
            for (sympos, &(_, at)) in (1..).zip(group) {
                if let Some(position) = positions.get_mut(at as usize) {
                    *position = Position { sympos, matches };
                }
            }
        }
    }
    positions
}

/// Returns a name in the form that `policy` compares.
fn clean(policy: Policy, name: SymbolName<'_>) -> Cow<'_, [u8]> {
    let mut segments = policy.clean(name.0).segments();
    let first = segments.next().unwrap_or_default();
    match segments.next() {
        None => Cow::Borrowed(first),
        Some(_) => Cow::Owned(policy.clean(name.0).bytes().collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::hash::{BuildHasherDefault, Hasher, RandomState};

    /// A hasher that gives every name the same hash.
    #[derive(Default)]
    struct Same;

    impl Hasher for Same {
        fn write(&mut self, _: &[u8]) {}

        fn finish(&self) -> u64 {
            7
        }
    }

    #[test]
    fn names_of_one_hash_are_told_apart() {
        let names: [&[u8]; 7] = [
            b"f",
            b"g",
            b"f.llvm.1",
            b"f.x",
            b"g",
            b"f.llvm.2.x",
            b"f.llvm.9",
        ];
        let entries = (0..).zip(names).map(|(index, name)| Entry {
            name: SymbolName(name),
            address: 0,
            letter: b't',
            index,
            live: true,
        });
        let entries: Vec<_> = entries.collect();
        let expected = [(1, 3), (1, 2), (2, 3), (1, 2), (2, 2), (2, 2), (3, 3)];
        let expected = expected.map(|(sympos, matches)| Position { sympos, matches });
        let same = BuildHasherDefault::<Same>::default();
        assert_eq!(all(Policy::Llvm, entries.iter(), &same), expected);
        let secret = RandomState::new();
        assert_eq!(all(Policy::Llvm, entries.iter(), &secret), expected);
    }
}
