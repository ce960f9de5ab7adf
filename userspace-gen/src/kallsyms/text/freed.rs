// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Freed functions of modules, which kallsyms still lists.
//!
//! While anything uses ftrace (for example a livepatch), the kernel remembers the `__init` functions that
//! it frees in each module (`ftrace_free_mem()`), so that a trace can still name them.
//! `ftrace_mod_get_kallsym()` lists these functions behind all modules, with the letter `T`, and the first
//! function of a module twice. A livepatch, a kprobe or an ftrace filter uses the module's own table, which
//! does not have them.

use crate::kallsyms::module::KSYMTAB;
use crate::symbols::Entry;
use std::collections::HashMap;
use std::ops::RangeInclusive;

/// The letter of all freed functions. A module's own symbol has a capital letter only if it is exported.
pub(super) const LETTER: u8 = b'T';

/// The smallest page of any kernel.
const PAGE: u64 = 4096;

/// Removes the freed functions from the end of a module's symbols.
///
/// An exported function is kept: its entry in the module's export table is a symbol as well. A freed
/// function is not on the pages of the module's code.
pub(super) fn remove(entries: &mut Vec<Entry<'_>>) {
    let exported = entries
        .iter()
        .filter_map(|e| e.name.0.strip_prefix(KSYMTAB));
    let mut first: HashMap<&[u8], Option<usize>> = exported.map(|name| (name, None)).collect();
    for (at, entry) in entries.iter().enumerate() {
        if let Some(first) = first.get_mut(entry.name.0) {
            first.get_or_insert(at);
        }
    }
    let code = pages_of_code(entries);
    let is_freed = |&(at, entry): &(usize, &Entry<'_>)| {
        let page = entry.address / PAGE;
        let is_export = first.get(entry.name.0) == Some(&Some(at));
        let is_on_its_pages = code.as_ref().is_some_and(|code| code.contains(&page));
        entry.letter == LETTER && !is_export && !is_on_its_pages
    };
    let freed = entries.iter().enumerate().rev().take_while(is_freed);
    let kept = entries.len() - freed.count();
    // Every module has __this_module. If a module has no other symbol, the text is incomplete.
    if kept > 0 {
        entries.truncate(kept);
    }
}

/// Returns the pages from the first to the last function that is not exported. Only code of the module is
/// between them.
fn pages_of_code(entries: &[Entry<'_>]) -> Option<RangeInclusive<u64>> {
    let code = || entries.iter().filter(|e| e.letter == b't');
    let pages = || code().map(|e| e.address / PAGE);
    Some(pages().min()?..=pages().max()?)
}
