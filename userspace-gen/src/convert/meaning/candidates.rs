// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The symbols that a name could mean, as a message lists them.

use super::problem::SHOWN;
use crate::printable::shown;
use crate::symbols::Entry;
use crate::target::Object;
use klp_policy::{Policy, Query};

/// Returns the position, address and name of each symbol, and its source file if that is known.
pub(super) fn briefly(object: &Object<'_>, query: &Query<'_>) -> Vec<String> {
    list(object, query, |position, seq, entry| {
        let file = match file(object, seq) {
            Some(file) => format!(" ({file})"),
            None => String::new(),
        };
        let (address, name) = (entry.address, shown(entry.name.0));
        format!("{position}: {address:016x} {name}{file}")
    })
}

/// Returns the same with sizes and neighbours, for an author who has to find the file of each symbol.
pub(super) fn wholly(object: &Object<'_>, query: &Query<'_>) -> Vec<String> {
    list(object, query, |position, seq, entry| {
        let size = object.file_symbol(seq).map_or(0, |s| s.size);
        let file = file(object, seq).unwrap_or_else(|| "of an unknown file".to_owned());
        let neighbour = |seq: Option<u32>| {
            let seq = seq?;
            let name = shown(object.symbols.get(seq)?.name.0);
            Some(match self::file(object, seq) {
                Some(file) => format!("{name} ({file})"),
                None => name,
            })
        };
        let (before, after) = neighbours(object, seq);
        let nothing = || "nothing".to_owned();
        format!(
            "{position}: {:016x} {}, {size} bytes, {file}, between {} and {}",
            entry.address,
            shown(entry.name.0),
            neighbour(before).unwrap_or_else(nothing),
            neighbour(after).unwrap_or_else(nothing)
        )
    })
}

/// Returns true if no symbol has a name.
pub(super) fn none(object: &Object<'_>, query: &Query<'_>) -> bool {
    let mut none = true;
    object.candidates(Policy::Llvm, query, &mut |_, _| none = false);
    none
}

/// The part of the listed symbols that a source file tells from all others.
pub(super) enum Told {
    All,
    Some,
    None,
}

/// Returns the part of the listed symbols that have a source file of their own.
pub(super) fn told_by_file(object: &Object<'_>, query: &Query<'_>) -> Told {
    let cleaned: Vec<u8> = query.cleaned().bytes().collect();
    let mut files = Vec::new();
    object.candidates(Policy::Llvm, query, &mut |_, seq| {
        if let (Some(entry), 0..SHOWN) = (object.symbols.get(seq), files.len()) {
            // A source file only chooses from the exact names.
            let exact = entry.name.0 == cleaned;
            files.push(object.source_file(seq).filter(|_| exact));
        }
    });
    let alone = |file: &&[u8]| files.iter().flatten().filter(|f| *f == file).count() == 1;
    match files.iter().flatten().filter(|file| alone(file)).count() {
        0 => Told::None,
        all if all == files.len() => Told::All,
        _ => Told::Some,
    }
}

/// Returns a line for each symbol. The lines that are not printed are empty, since a name may have very
/// many symbols.
fn list(
    object: &Object<'_>,
    query: &Query<'_>,
    line: impl Fn(u64, u32, &Entry<'_>) -> String,
) -> Vec<String> {
    let mut lines = Vec::new();
    object.candidates(Policy::Llvm, query, &mut |position, seq| {
        if let Some(entry) = object.symbols.get(seq) {
            lines.push(match lines.len() {
                0..SHOWN => line(position, seq, entry),
                _ => String::new(),
            });
        }
    });
    lines
}

/// Returns the source file of a symbol, if it is known.
fn file(object: &Object<'_>, seq: u32) -> Option<String> {
    object.source_file(seq).map(shown)
}

/// Returns the symbols before and after a symbol in memory; in a module, which has no addresses yet, in its
/// section.
fn neighbours(object: &Object<'_>, seq: u32) -> (Option<u32>, Option<u32>) {
    if object.name.is_vmlinux() {
        return (seq.checked_sub(1), seq.checked_add(1));
    }
    let place = |seq: u32| {
        let symbol = object.file_symbol(seq)?;
        Some((symbol.section()?, symbol.value))
    };
    let Some((section, value)) = place(seq) else {
        return (None, None);
    };
    let (mut before, mut after) = (None, None);
    for (other, _) in (0..).zip(object.symbols.entries()) {
        match place(other) {
            Some((in_section, at)) if in_section == section && other != seq => {
                if at < value && before.is_none_or(|(best, _)| at >= best) {
                    before = Some((at, other));
                } else if at > value && after.is_none_or(|(best, _)| at < best) {
                    after = Some((at, other));
                }
            }
            _ => {}
        }
    }
    (before.map(|(_, seq)| seq), after.map(|(_, seq)| seq))
}
