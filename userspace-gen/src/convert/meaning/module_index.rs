// SPDX-License-Identifier: GPL-2.0 OR MIT

//! An index of the names that many modules define. A distribution has thousands of modules: each symbol
//! table is read once, and only the hashes of names are kept.

use crate::elf::{ElfInput, Place};
use crate::target::BuiltModule;
use klp_policy::Policy;
use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::path::Path;

/// The modules, and the hashes of the names that they define.
#[derive(Debug)]
pub(super) struct ModuleIndex {
    modules: Vec<BuiltModule>,
    places: HashMap<u64, Vec<u32>>,
    hasher: RandomState,
}

impl ModuleIndex {
    /// Reads the symbol tables. A file that is no module, or cannot be read, has no names.
    pub(super) fn new(modules: Vec<BuiltModule>) -> Self {
        let mut index = Self {
            modules,
            places: HashMap::new(),
            hasher: RandomState::new(),
        };
        for (at, module) in (0..).zip(&index.modules) {
            each_name(&module.path, |name| {
                let places = index.places.entry(index.hasher.hash_one(name)).or_default();
                if places.last() != Some(&at) {
                    places.push(at);
                }
            });
        }
        index
    }

    /// Returns the modules that define a symbol with the name `name` in the source.
    pub(super) fn having<'i>(&'i self, name: &'i [u8]) -> impl Iterator<Item = &'i BuiltModule> {
        let places = self.places.get(&self.hasher.hash_one(name));
        let places = places.map_or(&[][..], Vec::as_slice);
        let modules = places
            .iter()
            .filter_map(|&at| self.modules.get(at as usize));
        // Another name may have the same hash, so that the symbol table is read again.
        modules.filter(move |module| {
            let mut found = false;
            each_name(&module.path, |other| found |= other == name);
            found
        })
    }
}

/// Calls `visit` with each name that a module defines, without promotion suffixes.
fn each_name(module: &Path, mut visit: impl FnMut(&[u8])) {
    let Ok(input) = ElfInput::open(module) else {
        return;
    };
    let Ok(elf) = input.parse() else {
        return;
    };
    let mut name = Vec::new();
    for symbol in elf
        .symbols()
        .filter(|s| matches!(s.place, Place::Section(_)))
    {
        name.clear();
        for segment in Policy::Llvm.clean(symbol.name).segments() {
            name.extend_from_slice(segment);
        }
        visit(&name);
    }
}
