// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The livepatches that are installed already: `klp_is_patch_compatible()` in kernel/livepatch/state.c, and
//! the effect of `klp_add_nops()` and of the stacks of `klp_ops` on two livepatches that change one
//! function.

use super::find_symbol::SymbolLookup;
use crate::check::refusal::{Errno, Refusal};
use crate::check::report::{Kind, Outcome, Report};
use crate::check::subject::{module_of, Subject};
use crate::elf::ElfFile;
use crate::error::Result;
use crate::livepatch::{patches, rela_sections, Memory, Modinfo, Patch, PatchedFunction, State};
use crate::printable::shown;
use crate::release::Release;
use crate::target::Target;
use klp_policy::{ObjName, Policy, Query, Sympos};
use object::read::ReadRef;
use std::collections::{BTreeMap, HashMap};

/// A livepatch that is installed when another livepatch is loaded.
#[derive(Clone, Debug)]
pub struct Installed<'d> {
    pub(in crate::check) module: String,
    origin: String,
    vermagic: Option<&'d [u8]>,
    patches: Vec<Patch<'d>>,
}

/// A function: the name of its object, and its place in the object's table.
type FunctionPlace<'n> = (&'n [u8], u32);

impl<'d> Installed<'d> {
    /// Reads an installed livepatch.
    ///
    /// # Errors
    ///
    /// The file is no module, or no `klp_patch` was found in it.
    pub fn read<R: ReadRef<'d>>(elf: &ElfFile<'d, R>) -> Result<Self> {
        elf.expect_relocatable()?;
        elf.expect_contents()?;
        let modinfo = Modinfo::of(elf)?;
        let release = Release::of_vermagic(modinfo.vermagic());
        let patches = patches(&Memory::new(elf, &rela_sections(elf)?, release));
        if patches.is_empty() {
            return Err(elf.malformed("expected a livepatch with a klp_patch, found none"));
        }
        Ok(Self {
            module: module_of(elf, &modinfo),
            origin: elf.origin().to_owned(),
            vermagic: modinfo.vermagic(),
            patches,
        })
    }

    fn states(&self) -> impl Iterator<Item = &State> {
        self.patches.iter().flat_map(|p| &p.states)
    }
}

impl<'d, R: ReadRef<'d>> Subject<'_, 'd, R> {
    /// Reports that a module of the livepatch's name is installed: `module_patient_check_exists()`.
    pub(in crate::check) fn check_not_installed(
        &self,
        installed: &[Installed<'_>],
        report: &mut Report,
    ) {
        if installed.iter().any(|old| old.module == self.module) {
            let why = "a module of that name is installed";
            self.refuse_module(Refusal::silent(Errno::Exist, why), report);
        }
    }

    /// Reports conflicts with the installed livepatches.
    pub(in crate::check) fn check_installed(
        &self,
        installed: &[Installed<'_>],
        report: &mut Report,
    ) {
        for old in installed {
            let vermagic = old.vermagic;
            if let Some(what) = vermagic.and_then(|found| self.target.differs_in_vermagic(found)) {
                report
                    .add(Kind::Target, "", &old.origin, Outcome::Accepted)
                    .warn(what);
            }
            if old.module == self.module {
                // The kernel refuses the livepatch before these checks.
                continue;
            }
            for patch in &self.patches {
                self.check_states(patch, old, report);
                self.check_functions_of(patch, old, report);
            }
        }
    }

    fn check_states(&self, new: &Patch<'_>, old: &Installed<'_>, report: &mut Report) {
        let module = || self.module.clone();
        let compatible = |state| is_compatible(new, state);
        if old.states().any(|state| compatible(*state) == Some(false)) {
            self.refuse_module(Refusal::Incompatible { module: module() }, report);
        } else if old.states().any(|state| compatible(*state).is_none()) {
            let what =
                "only its code tells whether it replaces all others (.replace), and must list the";
            let outcome = Outcome::Unchecked(format!("{what} states of {}", old.module));
            report.add(Kind::Module, "", module(), outcome);
        }
    }

    fn check_functions_of(&self, new: &Patch<'_>, old: &Installed<'_>, report: &mut Report) {
        let ours: HashMap<_, _> = self.places(new).into_iter().collect();
        let theirs: BTreeMap<_, _> = old.patches.iter().flat_map(|p| self.places(p)).collect();
        for (place, function) in theirs {
            let Some(ours) = ours.get(&place) else {
                continue;
            };
            let (ours_shown, theirs_shown) = (spelled(ours), spelled(&function));
            let by = &old.module;
            let warning = if new.replace == Some(false) {
                format!("{by} replaces the function as well: its replacement is not called while both are enabled")
            } else if !pairs(ours, &function) {
                let sure = if new.replace.is_none() {
                    " (if .replace is set, which only the code tells)"
                } else {
                    ""
                };
                format!(
                    "{by} names the function {theirs_shown}: the kernel takes both names for two functions, \
                    and runs the original function until the transition ends{sure}"
                )
            } else {
                continue;
            };
            report
                .add(
                    Kind::Function,
                    shown(place.0),
                    ours_shown,
                    Outcome::Accepted,
                )
                .warn(warning);
        }
    }

    /// Returns the functions of a patch that the kernel finds, with their places.
    fn places<'p>(&self, patch: &'p Patch<'p>) -> Vec<(FunctionPlace<'p>, PatchedFunction<'p>)> {
        let mut places = Vec::new();
        for object in &patch.objects {
            let name = object.name.unwrap_or(b"vmlinux");
            let Some(objname) = ObjName::new(name) else {
                continue;
            };
            for function in &object.functions {
                if let Some(seq) = find(self.target, self.policy, objname, function) {
                    places.push(((name, seq), *function));
                }
            }
        }
        places
    }
}

fn find(
    target: &Target<'_>,
    policy: Policy,
    objname: ObjName<'_>,
    function: &PatchedFunction<'_>,
) -> Option<u32> {
    let name = function.old_name?;
    let sympos = Sympos(function.old_sympos);
    match SymbolLookup::look_up(target, policy, objname, &Query::new(name), name, sympos) {
        SymbolLookup::Found(lookup) => Some(lookup.found.seq),
        SymbolLookup::Refused { .. } | SymbolLookup::NoObject => None,
    }
}

/// `klp_find_func()`
fn pairs(new: &PatchedFunction<'_>, old: &PatchedFunction<'_>) -> bool {
    let sympos = |f: &PatchedFunction<'_>| f.old_sympos.max(1);
    new.old_name == old.old_name && sympos(new) == sympos(old)
}

/// `klp_is_state_compatible()`
fn is_compatible(patch: &Patch<'_>, old: State) -> Option<bool> {
    match patch.states.iter().find(|state| state.id == old.id) {
        Some(state) => Some(state.version >= old.version),
        None => patch.replace.map(|replace| !replace),
    }
}

fn spelled(function: &PatchedFunction<'_>) -> String {
    let name = function.old_name.map_or("?".to_owned(), shown);
    format!("{name},{}", function.old_sympos)
}
