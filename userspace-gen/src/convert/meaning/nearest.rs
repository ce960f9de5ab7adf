// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Suggestions for a name that no symbol has.

use super::elsewhere::{Elsewhere, Search};
use super::problem::{NameKind, Problem};
use crate::printable::shown;
use crate::target::{Object, Target};
use klp_policy::{Policy, Query, SymbolName};
use std::cell::Cell;
use std::collections::BTreeSet;

/// The number of names that a message suggests.
const OFFERED: usize = 3;

/// The number of unknown names for which similar names are searched.
const LOOKS: u32 = 20;

/// Returns the names that differ least from `name`, if the difference may be a typing error.
pub(super) fn of<'n>(name: &[u8], names: impl Iterator<Item = &'n [u8]>) -> Vec<String> {
    let wanted = shown(name);
    // One typing error in three characters; a name with more differences is another name.
    let limit = (wanted.chars().count() / 3).clamp(1, 4);
    let mut best: BTreeSet<(usize, String)> = BTreeSet::new();
    for candidate in names {
        // The cost of a comparison is the product of the lengths. Most names are skipped because of their
        // length.
        let worst = match best.last() {
            Some(&(distance, _)) if best.len() == OFFERED => distance,
            _ => limit + 1,
        };
        // The message says already that no symbol has exactly this name.
        if candidate == name || candidate.len().abs_diff(name.len()) >= worst {
            continue;
        }
        let candidate = shown(candidate);
        let distance = strsim::osa_distance(&wanted, &candidate);
        if distance < worst {
            best.insert((distance, candidate));
            if best.len() > OFFERED {
                best.pop_last();
            }
        }
    }
    best.into_iter().map(|(_, name)| name).collect()
}

/// Returns a line that suggests a name.
pub(super) fn offer(nearest: &str) -> String {
    format!("did you mean {nearest}?")
}

/// The search for similar names in all symbols and exports of the kernel.
pub(super) struct Nearest<'n> {
    target: &'n Target<'n>,
    elsewhere: Elsewhere<'n>,
    /// The number of searches that are left: each search compares a name with the whole table.
    left: Cell<u32>,
}

impl<'n> Nearest<'n> {
    pub(super) fn new(target: &'n Target<'n>) -> Self {
        Self {
            target,
            elsewhere: Elsewhere::new(target),
            left: Cell::new(LOOKS),
        }
    }

    /// Adds similar names to `problem`, if it has no candidates: `query` matches nothing.
    pub(super) fn complete(&self, problem: Problem, query: &Query<'_>) -> Problem {
        if !problem.candidates.is_empty() {
            return problem;
        }
        let name: Vec<u8> = query.cleaned().bytes().collect();
        let lines = self.lines(problem.kind, &name);
        problem.with(lines)
    }

    /// Returns lines about a name that its object does not have: other objects with the name, or else the
    /// nearest names and static locals.
    fn lines(&self, kind: NameKind, name: &[u8]) -> Vec<String> {
        let owners = self.target.objects_with(&Query::new(name));
        if !owners.is_empty() {
            let line = |owner: &&Object<'_>| format!("{} has a symbol of that name", owner.name);
            return owners.iter().take(OFFERED).map(line).collect();
        }
        let first = match self.elsewhere.search(kind, name) {
            Search::Found(lines) => return lines,
            Search::Debug(line) => Some(line),
            Search::Unknown => Some(
                "the name is misspelt, or in a module that is not given (--module), or was inlined everywhere"
                    .to_owned(),
            ),
            Search::Nowhere => None,
        };
        first.into_iter().chain(self.similar(name)).collect()
    }

    fn similar(&self, name: &[u8]) -> Vec<String> {
        let Some(left) = self.left.get().checked_sub(1) else {
            return Vec::new();
        };
        self.left.set(left);
        let entries = || {
            self.target
                .objects()
                .iter()
                .flat_map(|o| o.symbols.entries())
        };
        // The text behind a hash is not compared.
        let cleaned = entries().filter_map(|e| Policy::Llvm.clean(e.name.0).segments().next());
        let mut lines: Vec<_> = of(name, cleaned.chain(self.target.symvers().names()))
            .iter()
            .map(|nearest| offer(nearest))
            .collect();
        let locals: BTreeSet<_> = entries()
            .map(|e| e.name)
            .filter(|local| is_static_local(*local, name))
            .map(|local| shown(local.0))
            .collect();
        let say = |local| format!("{local} is a static variable of a function");
        lines.extend(locals.into_iter().take(OFFERED).map(say));
        lines
    }
}

/// Returns true if a symbol is `<function>.<name>` or `<function>.<name>.<number>`.
fn is_static_local(symbol: SymbolName<'_>, name: &[u8]) -> bool {
    let mut parts = symbol.0.split(|&b| b == b'.');
    let function = parts.next().unwrap_or_default();
    !function.is_empty() && parts.next() == Some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nearest(name: &str, names: &[&str]) -> Vec<String> {
        of(name.as_bytes(), names.iter().map(|n| n.as_bytes()))
    }

    #[test]
    fn the_nearest_come_first_and_strangers_not_at_all() {
        let names = [
            "tainted_mask",
            "tainted",
            "painted_task",
            "taint_flags",
            "mask",
        ];
        assert_eq!(
            nearest("tainted_maks", &names),
            ["tainted_mask", "painted_task"]
        );
        assert_eq!(nearest("zebra", &names), [""; 0]);
        // A name that is given twice is suggested once.
        assert_eq!(
            nearest("abd", &["abc", "abc", "abe", "xyz"]),
            ["abc", "abe"]
        );
    }

    #[test]
    fn static_locals_are_known_by_their_second_part() {
        let is = |symbol: &str, name: &str| {
            is_static_local(SymbolName(symbol.as_bytes()), name.as_bytes())
        };
        assert!(is("input_allocate_device.input_no", "input_no"));
        assert!(is("bump.cnt.12", "cnt"));
        assert!(!is("input_no", "input_no"));
        assert!(!is(".L.input_no", "L"));
    }
}
