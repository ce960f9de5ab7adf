// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The module information of a converted livepatch.

use crate::livepatch::Modinfo;
use crate::target::module_name;
use std::borrow::Cow;
use std::collections::BTreeSet;

/// Adds `livepatch=Y` to a module's information, adds `added` to the modules on which it depends, and removes
/// `removed` from them.
///
/// Existing strings stay in their places, since symbols point to them. A string that changes is overwritten
/// with NULs, which readers skip, and written again at the end.
#[must_use]
pub fn complete<'d>(
    section: &'d [u8],
    added: Option<&[u8]>,
    removed: &BTreeSet<Vec<u8>>,
) -> Cow<'d, [u8]> {
    let mut changed = Cow::Borrowed(section);
    if Modinfo::new(section).get(b"livepatch").is_none() {
        append(changed.to_mut(), &[b"livepatch=Y"]);
    }
    let depends = Modinfo::new(section).get(b"depends").unwrap_or_default();
    let before: Vec<_> = depends
        .split(|&b| b == b',')
        .filter(|m| !m.is_empty())
        .collect();
    // modpost writes the names of the modules' files.
    let kept = before
        .iter()
        .filter(|m| !removed.contains(&module_name(m)))
        .copied();
    let mut after: Vec<_> = kept.collect();
    if let Some(module) = added.filter(|module| !after.contains(module)) {
        after.push(module);
    }
    if after == before {
        return changed;
    }
    let changed_to = changed.to_mut();
    let old = [b"depends=", depends, b"\0"].concat();
    if let Some(at) = find_string(changed_to, &old) {
        if let Some(string) = changed_to.get_mut(at..at + old.len()) {
            string.fill(0);
        }
    }
    append(changed_to, &[b"depends=", &after.join(&b',')]);
    changed
}

fn append(section: &mut Vec<u8>, parts: &[&[u8]]) {
    if section.last().is_some_and(|&b| b != 0) {
        section.push(0);
    }
    section.extend(parts.concat());
    section.push(0);
}

/// Returns the offset of a string, including its NUL, that is not the end of another string.
fn find_string(section: &[u8], string: &[u8]) -> Option<usize> {
    section
        .windows(string.len())
        .enumerate()
        .position(|(at, window)| {
            let begins = at == 0 || section.get(at - 1) == Some(&0);
            begins && window == string
        })
}
