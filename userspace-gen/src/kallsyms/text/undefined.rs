// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Weak undefined symbols of livepatches, which kallsyms lists and no lookup finds.
//!
//! A livepatch keeps its whole symbol table, including undefined symbols. `elf_type()` in
//! kernel/module/kallsyms.c gives the letter `U` to an undefined symbol, but first `w` to a weak symbol, or
//! `v` to a weak object. So weak symbols have the same letters whether they are defined or not. The loader
//! writes the address of the export into an undefined weak symbol (`simplify_symbols()`), or leaves 0.

use super::module::Module;
use crate::symbols::Entry;
use std::collections::HashSet;

/// Removes the weak symbols that are undefined: those with address 0, and those with the address of a
/// symbol of the same name in another object.
pub(super) fn remove(image: &[Entry<'_>], modules: &mut [Module<'_>]) {
    let mut doubtful: HashSet<(&[u8], u64)> = HashSet::new();
    for module in &*modules {
        doubtful.extend(module.entries.iter().filter(|e| is_weak(e)).map(identity));
    }
    if doubtful.is_empty() {
        return;
    }
    let of_modules = modules.iter().flat_map(|module| &module.entries);
    let defined = image.iter().chain(of_modules.filter(|e| !is_weak(e)));
    let defined: HashSet<_> = defined.map(identity).collect();
    let is_undefined = |entry: &Entry<'_>| entry.address == 0 || defined.contains(&identity(entry));
    for module in modules {
        module.entries.retain(|e| !is_weak(e) || !is_undefined(e));
    }
}

/// Returns true if a symbol is weak and not exported. An exported symbol has a capital letter, and is
/// defined.
fn is_weak(entry: &Entry<'_>) -> bool {
    matches!(entry.letter, b'w' | b'v')
}

fn identity<'d>(entry: &Entry<'d>) -> (&'d [u8], u64) {
    (entry.name.0, entry.address)
}
