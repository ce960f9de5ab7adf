// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The names that many modules define. A distribution has thousands: their symbol tables are read once,
//! and of each name only a hash is kept.

use crate::elf::{ElfInput, Place};
use crate::target::BuiltModule;
use klp_policy::Policy;
use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::path::Path;

/// Modules, and where names may be.
#[derive(Debug)]
pub(super) struct ModuleIndex {
    modules: Vec<BuiltModule>,
    places: HashMap<u64, Vec<u32>>,
    hasher: RandomState,
}

impl ModuleIndex {
    /// Reads the symbol tables. What is no module, or cannot be read, has no names.
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

    /// The modules that define a symbol which is called `name` in the source.
    pub(super) fn having<'i>(&'i self, name: &'i [u8]) -> impl Iterator<Item = &'i BuiltModule> {
        let places = self.places.get(&self.hasher.hash_one(name));
        let places = places.map_or(&[][..], Vec::as_slice);
        let modules = places
            .iter()
            .filter_map(|&at| self.modules.get(at as usize));
        // Another name may have the same hash.
        modules.filter(move |module| {
            let mut found = false;
            each_name(&module.path, |other| found |= other == name);
            found
        })
    }
}

/// Calls `visit` with each name that a module defines, without the suffix of a promotion.
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
