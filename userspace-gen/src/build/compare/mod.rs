// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The real changes of a source patch: functions and variables of both builds, compared one by one.
//!
//! Names and numbers of a build are no content. [`names`] takes them off, [`pairing`] finds for each function
//! and variable of the patched files its original, and [`form`] is what is compared.

pub mod form;
pub mod names;
pub mod pairing;

pub use form::Side;
pub use pairing::Pairings;

use super::code::{Code, Kind, Layouts, PieceId};
use super::{Refusal, Unit};
use crate::error::Result;
use crate::file::read_file;
use std::collections::{BTreeMap, BTreeSet};

/// The bytes of both versions of a file.
#[derive(Debug)]
pub struct Files {
    /// Those of the original.
    pub original: Vec<u8>,
    /// Those of the patched file.
    pub patched: Vec<u8>,
}

impl Files {
    /// Reads both versions of a file.
    ///
    /// # Errors
    ///
    /// One of them cannot be read.
    pub fn read(unit: &Unit) -> Result<Self> {
        Ok(Self {
            original: read_file(&unit.original)?,
            patched: read_file(&unit.patched)?,
        })
    }
}

/// Both versions of a file, cut into functions and variables.
#[derive(Debug)]
pub struct Versions<'d> {
    /// The file as the kernel that runs has it.
    pub original: Code<'d>,
    /// The file with the patch.
    pub patched: Code<'d>,
}

impl<'d> Versions<'d> {
    /// Reads both versions of a file.
    ///
    /// # Errors
    ///
    /// One of them is malformed.
    pub fn parse(unit: &Unit, files: &'d Files, layouts: &Layouts) -> Result<Self> {
        let name = |path: &std::path::Path| path.display().to_string();
        Ok(Self {
            original: Code::read(name(&unit.original), &files.original, layouts)?,
            patched: Code::read(name(&unit.patched), &files.patched, layouts)?,
        })
    }

    /// Returns one version.
    #[must_use]
    pub fn of(&self, side: Side) -> &Code<'d> {
        match side {
            Side::Original => &self.original,
            Side::Patched => &self.patched,
        }
    }
}

/// A function that has other code than before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ChangedFunction {
    /// The number of the file.
    pub unit: usize,
    /// The function in the patched file.
    pub patched: PieceId,
    /// The function in the original.
    pub original: PieceId,
}

/// The difference between both builds.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// The functions that have other code, file by file.
    pub functions: Vec<ChangedFunction>,
    /// The variables that have other contents: the file and the variable in the patched file.
    pub data: Vec<(usize, PieceId)>,
    /// Why the difference cannot be a livepatch.
    pub refusals: Vec<Refusal>,
}

/// Compares all files.
#[must_use]
pub fn compare(units: &[Unit], versions: &[Versions<'_>], pairings: &Pairings<'_, '_>) -> Changes {
    let mut changes = Changes::default();
    for (unit, version) in versions.iter().enumerate() {
        Comparison {
            unit,
            file: &units[unit],
            version,
            pairings,
        }
        .run(&mut changes);
    }
    changes
}

/// Sections that nothing of a kernel that runs is in.
const NOT_LOADED: [&[u8]; 6] = [
    b".discard",
    b".modinfo",
    b".export_symbol",
    b".note",
    b".llvm",
    b".printk_index",
];

/// Beginnings of the names of sections whose variables are found by their symbols, and not as entries of a
/// table that the kernel walks.
const PLAIN: [&[u8]; 5] = [
    b".data",
    b".bss",
    b".rodata",
    b".ref.data",
    form::DESCRIPTORS,
];

struct Comparison<'c, 'd> {
    unit: usize,
    file: &'c Unit,
    version: &'c Versions<'d>,
    pairings: &'c Pairings<'c, 'd>,
}

impl Comparison<'_, '_> {
    fn run(&self, changes: &mut Changes) {
        let mut functions = BTreeMap::new();
        for (id, piece) in self.version.patched.numbered() {
            let original = self.pairings.of(self.unit).original(id);
            match piece.kind {
                Kind::Function => {
                    if let Some(original) = original.filter(|&original| self.differs(original, id))
                    {
                        functions.insert(id, original);
                    }
                }
                Kind::Data => self.data(id, original, changes),
            }
        }
        self.add_parents(&mut functions);
        for (patched, original) in functions {
            if names::parent(self.version.patched.piece(patched).name.unwrap_or_default()).is_some()
            {
                // It goes with its function.
                continue;
            }
            if is_boot_only(self.section_name(patched)) {
                let what = "is only executed while the kernel boots or the module loads, so that a livepatch \
                            cannot change it (leave the change out, or do what it does in a callback)";
                changes.refusals.push(self.refusal(patched, what));
                continue;
            }
            changes.functions.push(ChangedFunction {
                unit: self.unit,
                patched,
                original,
            });
        }
        self.exports(changes);
    }

    fn differs(&self, original: PieceId, patched: PieceId) -> bool {
        self.pairings.form(Side::Original, self.unit, original)
            != self.pairings.form(Side::Patched, self.unit, patched)
    }

    /// Adds the functions that a changed part with its own symbol was split from.
    fn add_parents(&self, functions: &mut BTreeMap<PieceId, PieceId>) {
        let code = &self.version.patched;
        let name = |id: PieceId| code.piece(id).name.unwrap_or_default();
        let parents: BTreeSet<_> = functions
            .keys()
            .filter_map(|&id| names::parent(name(id)))
            .collect();
        for (id, piece) in code.numbered() {
            let is_parent = piece
                .name
                .is_some_and(|name| parents.contains(&names::clean(name)));
            let original = self.pairings.of(self.unit).original(id);
            if let Some(original) = original.filter(|_| is_parent && piece.kind == Kind::Function) {
                functions.insert(id, original);
            }
        }
    }

    fn data(&self, id: PieceId, original: Option<PieceId>, changes: &mut Changes) {
        let code = &self.version.patched;
        let section = self.section_name(id);
        let is_not_loaded = NOT_LOADED.iter().any(|prefix| section.starts_with(prefix));
        if is_not_loaded || form::is_content(code, id) {
            return;
        }
        let is_plain = PLAIN.iter().any(|prefix| section.starts_with(prefix));
        match original {
            Some(original) if self.differs(original, id) => {
                changes.data.push((self.unit, id));
                let what = if is_boot_only(section) {
                    "is only used while the kernel boots or the module loads, so that a livepatch cannot change it"
                } else {
                    "has other contents than the variable of the kernel that runs, which is in use: a livepatch \
                     does not change it (assign to it in a callback, or use a shadow variable)"
                };
                changes.refusals.push(self.refusal(id, what));
            }
            // What functions use of it goes with them.
            None if !is_plain && !self.may_be_the_same(id) => {
                let section = crate::shown::shown(section);
                let what = format!(
                    "adds an entry to {section}, which the kernel reads only while it boots or the module loads \
                     (leave it out, or register it in a callback)"
                );
                changes.refusals.push(self.refusal(id, &what));
            }
            _ => {}
        }
    }

    /// Says whether an unpaired variable may be one of several that the original has.
    fn may_be_the_same(&self, id: PieceId) -> bool {
        let group = self
            .pairings
            .of(self.unit)
            .candidates(&self.version.patched, id);
        group.originals.len() >= group.patched.len() && !group.originals.is_empty()
    }

    /// Refuses what is exported anew, or no more.
    fn exports(&self, changes: &mut Changes) {
        let exports = |code: &Code<'_>| -> BTreeSet<Vec<u8>> {
            let symbols = code.elf().symbols();
            symbols
                .filter_map(|s| Some(s.name.strip_prefix(b"__export_symbol_")?.to_vec()))
                .collect()
        };
        let before = exports(&self.version.original);
        let after = exports(&self.version.patched);
        for name in before.symmetric_difference(&after) {
            let is_new = after.contains(name);
            let what = if is_new {
                "is exported by the patch"
            } else {
                "is no more exported"
            };
            changes.refusals.push(Refusal {
                subject: crate::shown::shown(name),
                reason: format!(
                    "{what}: the exports of a kernel that runs cannot change (leave that out of the patch)"
                ),
            });
        }
    }

    fn section_name(&self, id: PieceId) -> &[u8] {
        let code = &self.version.patched;
        code.section(code.piece(id).section).name
    }

    fn refusal(&self, id: PieceId, what: &str) -> Refusal {
        Refusal {
            subject: self.version.patched.name(id),
            reason: format!("{}: {what}", self.file.source.display()),
        }
    }
}

/// Says whether the contents of a section are gone or of no use once the kernel runs.
#[must_use]
pub fn is_boot_only(section: &[u8]) -> bool {
    let names: [&[u8]; 5] = [
        b".init",
        b".exit",
        b".con_initcall",
        b".initcall",
        b".x86_cpu_dev.init",
    ];
    names.iter().any(|name| section.starts_with(name))
}
