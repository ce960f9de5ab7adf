// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The changes from one kernel to another, by name.

use super::Audit;
use klp_policy::{NameClass, ParsedName, Policy};
use std::collections::{BTreeMap, BTreeSet};

/// The changes from one kernel to another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KernelChanges {
    /// The names in the source of symbols that were promoted in the first kernel, and not in the second.
    pub suffix_lost: Vec<String>,
    /// The names of symbols that were promoted in the second kernel, and not in the first.
    pub suffix_gained: Vec<String>,
    /// The names of symbols that were promoted in both, with different hashes.
    pub hash_changed: Vec<String>,
    /// The cleaned names with several matches in one kernel, and another number of matches in the other.
    pub matches_changed: Vec<MatchesChanged>,
}

/// A cleaned name with another number of matches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MatchesChanged {
    /// The name.
    pub name: String,
    /// The number of symbols of the first kernel with the name; 1 stands for one or none.
    pub before: usize,
    /// The number of symbols of the second kernel with the name; 1 stands for one or none.
    pub after: usize,
}

impl KernelChanges {
    /// Compares two kernels, without data with names of the compiler, which have no meaning.
    #[must_use]
    pub fn new(before: &Audit, after: &Audit) -> Self {
        let (old, new) = (promoted(before), promoted(after));
        let only = |these: &Promoted<'_>, those: &Promoted<'_>| {
            let names = these.keys().filter(|name| !those.contains_key(*name));
            names.map(|name| (*name).to_owned()).collect()
        };
        let both = old.iter().filter_map(|(name, hashes)| {
            let changed = new.get(name)? != hashes;
            changed.then(|| (*name).to_owned())
        });
        Self {
            suffix_lost: only(&old, &new),
            suffix_gained: only(&new, &old),
            hash_changed: both.collect(),
            matches_changed: matches_changed(before, after),
        }
    }
}

/// The full names for each cleaned name.
type Promoted<'a> = BTreeMap<&'a str, BTreeSet<&'a str>>;

fn promoted(audit: &Audit) -> Promoted<'_> {
    let mut promoted = Promoted::new();
    for suffixed in audit.suffixed.iter().filter(|s| s.kind.is_of_the_source()) {
        let names = promoted.entry(&suffixed.clean).or_default();
        names.insert(&suffixed.name);
    }
    promoted
}

fn matches_changed(before: &Audit, after: &Audit) -> Vec<MatchesChanged> {
    let mut counts = BTreeMap::<&str, (usize, usize)>::new();
    for repeat in before.rule(Policy::Llvm).iter().flat_map(|r| &r.repeats) {
        counts.entry(&repeat.name).or_insert((1, 1)).0 = repeat.matches;
    }
    for repeat in after.rule(Policy::Llvm).iter().flat_map(|r| &r.repeats) {
        counts.entry(&repeat.name).or_insert((1, 1)).1 = repeat.matches;
    }
    let changed = counts.iter().filter(|(_, (old, new))| old != new);
    changed
        .filter(|(name, _)| ParsedName::new(name.as_bytes()).class == NameClass::Source)
        .map(|(name, &(before, after))| MatchesChanged {
            name: (*name).to_owned(),
            before,
            after,
        })
        .collect()
}
