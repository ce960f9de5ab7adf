// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The types of a module's functions. With CFI, the kernel compares the type when it calls a function by a
//! pointer.

use super::distances::{entries, table, Distances};
use crate::elf::ElfFile;
use crate::livepatch::memory::Location;
use crate::livepatch::{Loaded, RelaSection};
use crate::target::CallCheck;
use object::read::ReadRef;
use std::collections::BTreeSet;

/// The section that lists the places of types.
pub(super) const SITES: &[u8] = b".cfi_sites";

/// The distance from the type of a function to its code, with `CONFIG_FINEIBT`.
const LISTED: u64 = 16;

/// The longest distance without `CONFIG_FINEIBT`: `CONFIG_FUNCTION_PADDING_CFI`, and the `mov`.
const FARTHEST: u64 = 64 + 5;

/// The beginning of the names of types.
const TYPE_NAME: &[u8] = b"__cfi_";

/// The types of a module's functions.
#[derive(Debug)]
pub(in crate::check) struct Types {
    /// The places that `.cfi_sites` lists.
    listed: BTreeSet<Location>,
    /// The places that have the symbol of a type.
    named: BTreeSet<Location>,
}

impl Types {
    /// Finds the types of a module.
    pub(in crate::check) fn new<'d, R: ReadRef<'d>>(
        elf: &ElfFile<'d, R>,
        rela: &[RelaSection<'d>],
        loaded: &Loaded,
    ) -> Self {
        let sites = table(elf, SITES).filter(|s| loaded.has_memory(s));
        let relocations = Distances::new(rela, |target| {
            sites.as_ref().is_some_and(|sites| sites.id == target.id)
        });
        let entries = sites.iter().flat_map(entries);
        let named = elf.symbols().filter(|s| s.name.starts_with(TYPE_NAME));
        Self {
            listed: entries
                .filter_map(|at| relocations.target(elf, at))
                .collect(),
            named: named
                .filter_map(|s| {
                    Some(Location {
                        section: s.section()?,
                        offset: s.value,
                    })
                })
                .collect(),
        }
    }

    /// Returns the reason for which the kernel cannot call a function by a pointer, if there is one.
    pub(in crate::check) fn lacks(
        &self,
        check: CallCheck,
        function: Location,
    ) -> Option<&'static str> {
        let before = |distance| Location {
            offset: function.offset.wrapping_sub(distance),
            ..function
        };
        match check {
            CallCheck::ListedType => (!self.listed.contains(&before(LISTED))).then_some(
                "has no type in .cfi_sites, which this kernel's CFI requires: build the livepatch with \
                the configuration of this kernel",
            ),
            CallCheck::Type => {
                let farthest = FARTHEST.min(function.offset);
                let reach = before(farthest)..function;
                self.named.range(reach).next().is_none().then_some(
                    "has no type in front of it, which this kernel's CFI requires: build the livepatch \
                    with the configuration of this kernel",
                )
            }
        }
    }
}
