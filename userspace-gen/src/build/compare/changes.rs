// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The real changes of a source patch: the functions with other code, and what a livepatch cannot change.

use super::form::{is_compared, DESCRIPTORS};
use super::names;
use super::pairing::Pairings;
use super::sections::{class, is_boot_only};
use super::versions::{Side, Versions};
use crate::build::code::{Code, PieceId, PieceKind};
use crate::build::{BuildRefusal, RefusalKind, Unit};
use crate::printable::shown;
use std::collections::{BTreeMap, BTreeSet};

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
    /// The functions with changed code, file by file.
    pub functions: Vec<ChangedFunction>,
    /// The variables with changed contents: the file, and the variable in the patched file.
    pub data: Vec<(usize, PieceId)>,
    /// The reasons for which the difference cannot become a livepatch.
    pub refusals: Vec<BuildRefusal>,
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

/// Prefixes of sections with variables that are used by their symbols. Other sections of data are tables
/// that the kernel walks.
const PLAIN: [&[u8]; 5] = [b".data", b".bss", b".rodata", b".ref.data", DESCRIPTORS];

/// Returns true if a section has variables that are used by their symbols.
fn is_plain(section: &[u8]) -> bool {
    PLAIN.iter().any(|prefix| section.starts_with(prefix))
}

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
                PieceKind::Function => {
                    if let Some(original) = original.filter(|&original| self.differs(original, id))
                    {
                        functions.insert(id, original);
                    }
                }
                PieceKind::Data => self.data(id, original, changes),
            }
        }
        self.add_parents(&mut functions);
        for (patched, original) in functions {
            if names::parent(self.version.patched.piece(patched).name.unwrap_or_default()).is_some()
            {
                // The part is taken together with its function.
                continue;
            }
            if is_boot_only(self.section_name(patched)) {
                let what = "is only executed while the kernel boots or the module loads: a livepatch cannot \
                change it (remove the change from the patch, or use a callback)";
                changes
                    .refusals
                    .push(self.refusal(RefusalKind::Init, patched, what));
                continue;
            }
            if self.has_other_type(original, patched) {
                let what = "has another type than in the running kernel: calls through pointers check the type (kCFI), and \
                            pointers to the function are those of the old one (keep its parameters, or add a function \
                            under a new name)";
                changes
                    .refusals
                    .push(self.refusal(RefusalKind::Prototype, patched, what));
                continue;
            }
            changes.functions.push(ChangedFunction {
                unit: self.unit,
                patched,
                original,
            });
        }
        self.exports(changes);
        self.removed(changes);
    }

    /// Returns true if the type that kCFI checks is not that of the function whose address others have.
    fn has_other_type(&self, original: PieceId, patched: PieceId) -> bool {
        let patched = self.version.patched.type_id(patched);
        patched.is_some() && patched != self.version.original.type_id(original)
    }

    /// Refuses to take an entry out of a table that the kernel has read.
    fn removed(&self, changes: &mut Changes) {
        let code = &self.version.original;
        for (id, piece) in code.numbered() {
            let section = code.section(piece.section).name;
            let is_entry = piece.kind == PieceKind::Data
                && is_compared(code, id)
                && !is_plain(section)
                && !is_boot_only(section);
            if !is_entry || self.pairings.of(self.unit).patched(id).is_some() {
                continue;
            }
            let group = self.pairings.of(self.unit).left_of(code, id);
            // Unpaired, but as many as before.
            if !group.originals.is_empty() && group.originals.len() <= group.patched.len() {
                continue;
            }
            changes.refusals.push(BuildRefusal {
                kind: RefusalKind::Data,
                subject: code.name(id),
                reason: format!(
                    "{}: removes an entry of {}, which stays in the running kernel (keep the entry, or undo its effect in a \
                     callback)",
                    self.file.source.display(),
                    shown(section)
                ),
            });
        }
    }

    fn differs(&self, original: PieceId, patched: PieceId) -> bool {
        self.pairings.form(Side::Original, self.unit, original)
            != self.pairings.form(Side::Patched, self.unit, patched)
    }

    /// Adds the functions from which a changed part with its own symbol was split.
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
            if let Some(original) =
                original.filter(|_| is_parent && piece.kind == PieceKind::Function)
            {
                functions.insert(id, original);
            }
        }
    }

    fn data(&self, id: PieceId, original: Option<PieceId>, changes: &mut Changes) {
        let code = &self.version.patched;
        let section = self.section_name(id);
        if !is_compared(code, id) {
            return;
        }
        match original {
            Some(original) if self.class_of(original) != class(section) => {
                changes.data.push((self.unit, id));
                let what = "is read-only, per-cpu or an ordinary variable in the running kernel, and the patch makes \
                            another of these of it (keep it as it is, or use a new variable)";
                changes
                    .refusals
                    .push(self.refusal(RefusalKind::Data, id, what));
            }
            Some(original) if self.differs(original, id) => {
                changes.data.push((self.unit, id));
                let (kind, what) = if is_boot_only(section) {
                    (RefusalKind::Init, "is only used while the kernel boots or the module loads: a livepatch cannot change it")
                } else {
                    (RefusalKind::Data, "differs from the variable of the running kernel, which is in use: a livepatch cannot change it \
                    (assign to the variable in a callback, or use a shadow variable)")
                };
                changes.refusals.push(self.refusal(kind, id, what));
            }
            // A part that functions use is taken together with these functions.
            None if !is_plain(section) && !self.may_be_the_same(id) => {
                let section = shown(section);
                let what = format!(
                    "adds an entry to {section}, which the kernel only reads while it boots or the module loads (remove \
                    the entry from the patch, or register it in a callback)"
                );
                changes
                    .refusals
                    .push(self.refusal(RefusalKind::Init, id, &what));
            }
            _ => {}
        }
    }

    fn class_of(&self, original: PieceId) -> Option<&'static [u8]> {
        let code = &self.version.original;
        class(code.section(code.piece(original).section).name)
    }

    /// Returns true if an unpaired variable may be one of several variables of the original.
    fn may_be_the_same(&self, id: PieceId) -> bool {
        let group = self
            .pairings
            .of(self.unit)
            .left_of(&self.version.patched, id);
        group.originals.len() >= group.patched.len() && !group.originals.is_empty()
    }

    /// Refuses new exports, and exports that are removed.
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
                "is no longer exported"
            };
            changes.refusals.push(BuildRefusal {
                kind: RefusalKind::Export,
                subject: shown(name),
                reason: format!(
                    "{what}: the exports of a running kernel cannot change (remove this change from the patch)"
                ),
            });
        }
    }

    fn section_name(&self, id: PieceId) -> &[u8] {
        let code = &self.version.patched;
        code.section(code.piece(id).section).name
    }

    fn refusal(&self, kind: RefusalKind, id: PieceId, what: &str) -> BuildRefusal {
        BuildRefusal {
            kind,
            subject: self.version.patched.name(id),
            reason: format!("{}: {what}", self.file.source.display()),
        }
    }
}
