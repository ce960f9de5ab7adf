// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Weak undefined symbols of livepatches, which kallsyms lists and no lookup sees.
//!
//! A livepatch keeps its whole symbol table, undefined symbols included. `elf_type()` in kernel/module/kallsyms.c gives
//! `U` to an undefined symbol, but asks first whether the symbol is weak: `w`, or `v` for an object, are the letters of
//! defined and of undefined symbols alike. The loader writes the address of the export that a weak symbol resolves to
//! into the symbol (`simplify_symbols()`), or leaves 0.

use super::module::Module;
use crate::symbols::Entry;
use std::collections::HashSet;

/// Removes the symbols that are undefined: those at address 0, and those at a symbol of the same name in another
/// object.
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

/// Returns whether a symbol is weak and not exported: an exported symbol has a capital letter, and is defined.
fn is_weak(entry: &Entry<'_>) -> bool {
    matches!(entry.letter, b'w' | b'v')
}

fn identity<'d>(entry: &Entry<'d>) -> (&'d [u8], u64) {
    (entry.name.0, entry.address)
}
