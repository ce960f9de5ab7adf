// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The functions to be replaced: `klp_enable_patch()` and the functions that it calls.

use super::find_symbol::SymbolLookup;
use crate::check::jump::Jump;
use crate::check::refusal::{Errno, Refusal};
use crate::check::report::{Kind, Outcome, Report, Stage, Step};
use crate::check::subject::Subject;
use crate::livepatch::{FunctionProblem, PatchProblem, PatchedFunction, PatchedObject, Pointer};
use crate::printable::shown;
use crate::target::{impossible, Traceable};
use klp_policy::{ObjName, Query, Sympos, KSYM_NAME_LEN, MODULE_NAME_LEN};
use object::read::ReadRef;
use std::collections::{HashMap, HashSet};

impl<'d, R: ReadRef<'d>> Subject<'_, 'd, R> {
    /// Reports the objects and functions of every `klp_patch`.
    pub(in crate::check) fn check_patches(&self, report: &mut Report) {
        for patch in &self.patches {
            if let Some(problem) = patch.problem {
                report.during(Stage::Objects, |report| {
                    self.refuse_module(self.patch_refusal(problem), report);
                });
            }
            self.check_old_names(&patch.objects, report);
            let mut directories = HashSet::new();
            for (index, object) in patch.objects.iter().enumerate() {
                // klp_init_object() gives this name to a directory.
                let twice = !directories.insert(name_of(object));
                self.check_object(index, object, twice, report);
            }
        }
    }

    /// Returns the refusal of a `klp_patch` as a whole: `klp_enable_patch()`.
    fn patch_refusal(&self, problem: PatchProblem) -> Refusal {
        let what = match problem {
            // livepatch_mod_init() of scripts/livepatch/init.c
            PatchProblem::Empty => {
                return Refusal::Loader(format!("{}: nothing to patch!", self.module))
            }
            PatchProblem::Null(member) => {
                return silent(&format!("{member} of its klp_patch is NULL"))
            }
            PatchProblem::NotLoaded => {
                "its init code reads the section of objects, which is not loaded".to_owned()
            }
            PatchProblem::BeyondSection(name) => format!(
                "an array of {name} is longer than its section: the init code reads beyond it"
            ),
            PatchProblem::OtherModule => "mod of its klp_patch is not THIS_MODULE".to_owned(),
            // kobject_init() and the lists need memory that nothing else uses.
            PatchProblem::InUse(name) => format!(
                "the kernel's own members of a {name} are not 0, overlap another struct, or are in \
                 memory that is read-only or freed"
            ),
            PatchProblem::Written(what) => format!("a relocation writes into {what}"),
            PatchProblem::Freed(what) => {
                format!("{what} is in a section that is freed once the module has loaded")
            }
            PatchProblem::NameInStruct => {
                "a name overlaps the kernel's own members of a klp_patch, klp_object or klp_func"
                    .to_owned()
            }
            PatchProblem::EndInStruct(name) => format!(
                "the empty element of an array of {name} overlaps the kernel's own members of a \
                 klp_patch, klp_object or klp_func: the kernel reads beyond the array"
            ),
            PatchProblem::Nowhere(what) => {
                format!("{what} does not point to anything in the module")
            }
            PatchProblem::NoEnd(name) => format!(
                "an array of {name} has no empty element at its end: the kernel reads beyond the array"
            ),
        };
        Refusal::Harmful(what)
    }

    /// Reports a function without a name, if the kernel looks for one before anything else: `klp_check_patch()`.
    fn check_old_names(&self, objects: &[PatchedObject<'d>], report: &mut Report) {
        let mut functions = objects.iter().flat_map(|object| &object.functions);
        if self.release.checks_old_names_first && functions.any(|f| !f.has_old_name) {
            report.during(Stage::Objects, |report| {
                self.refuse_module(silent("old_name is NULL"), report);
            });
        }
    }

    /// Reports an object, which is the element `index` of the array in its `klp_patch`.
    fn check_object(
        &self,
        index: usize,
        object: &PatchedObject<'d>,
        twice: bool,
        report: &mut Report,
    ) {
        let object_name = shown(name_of(object));
        if let Some((stage, refusal)) = object_refusal(index, object, twice) {
            let outcome = Outcome::Refused(refusal);
            let finding = report.add(Kind::Object, &object_name, &object_name, outcome);
            finding.stage = stage;
            return;
        }
        let is_possible = self.check_existence(index, object, report);
        let objname = ObjName::new(name_of(object)).filter(|_| is_possible);
        self.check_functions(index, object, objname, report);
    }

    /// Reports an object that the kernel initializes, and returns whether a module can have its name.
    fn check_existence(
        &self,
        index: usize,
        object: &PatchedObject<'d>,
        report: &mut Report,
    ) -> bool {
        let object_name = shown(name_of(object));
        let harm = object.callbacks.iter().find_map(|&to| match self.call(to) {
            Jump::Fits => None,
            Jump::Nowhere => Some("does not point to code of the module".to_owned()),
            Jump::Freed(what) | Jump::Harmful(what) => Some(what),
        });
        let impossible = object.name.and_then(impossible);
        let is_possible = impossible.is_none();
        let harm = harm.map(|what| format!("one of its callbacks {what}"));
        // klp_init_object() looks nothing up.
        let (step, outcome) = match impossible.or(harm) {
            None => (Step::Init, Outcome::Accepted),
            Some(what) => (Step::LookUp, Outcome::Refused(Refusal::Harmful(what))),
        };
        let finding = report.add(Kind::Object, &object_name, &object_name, outcome);
        finding.stage = Stage::Object(index, step);
        if is_possible && ObjName::new(name_of(object)).is_none() {
            finding.warn(
                "its functions were not checked: klp-gen does not support a dot in the name of a module",
            );
        }
        is_possible
    }

    /// Reports the functions of an object; without `objname` only those with a fault of their own, because the kernel
    /// looks up nothing in a module that cannot exist.
    fn check_functions(
        &self,
        index: usize,
        object: &PatchedObject<'d>,
        objname: Option<ObjName<'_>>,
        report: &mut Report,
    ) {
        let object_name = shown(name_of(object));
        let mut places = HashMap::new();
        let mut directories = HashSet::new();
        for function in &object.functions {
            if !function.has_old_name && self.release.checks_old_names_first {
                // check_old_names() has refused the livepatch.
                continue;
            }
            let subject = function.old_name.map_or_else(
                || "?".to_owned(),
                |name| format!("{},{}", shown(name), function.old_sympos),
            );
            // klp_init_func() gives this name to a directory.
            let directory = (function.old_name, function.old_sympos.max(1));
            let twice = !directories.insert(directory) && function.old_name.is_some();
            let (stage, checked) = if let Some(problem) = function.problem {
                let outcome = Outcome::Refused(function_refusal(problem));
                (Stage::Object(index, Step::LookUp), Checked::new(outcome))
            } else if let Some(refusal) = init_refusal(function, twice) {
                let outcome = Outcome::Refused(refusal);
                (Stage::Object(index, Step::Init), Checked::new(outcome))
            } else if let Some(objname) = objname {
                let checked = self.check_function(objname, function, report);
                (stage_of_lookup(index, &checked.outcome), checked)
            } else {
                continue;
            };
            let finding = report.add(Kind::Function, &object_name, &subject, checked.outcome);
            finding.stage = stage;
            finding.warnings = checked.warnings;
            let place = checked.place;
            if let Some(other) = place.and_then(|place| places.insert(place, subject)) {
                // klp_patch_func() puts both on the function's stack, and the last one is called.
                finding.outcome = Outcome::Refused(Refusal::Harmful(format!(
                    "it replaces the same function as {other}: the kernel would never call the replacement of {other}"
                )));
            }
        }
    }

    /// Looks up a function as `klp_init_object_loaded()` and `klp_patch_func()` do.
    fn check_function(
        &self,
        objname: ObjName<'_>,
        function: &PatchedFunction<'d>,
        report: &mut Report,
    ) -> Checked {
        let refused = |refusal| Checked::new(Outcome::Refused(refusal));
        let unchecked = |why: &str| Checked::new(Outcome::Unchecked(why.to_owned()));
        let Some(name) = function.old_name else {
            return unchecked("its old_name cannot be read from the file");
        };
        if name.is_empty() && !objname.is_vmlinux() {
            // The symbols of sections have no name. They are in kallsyms while a module is coming.
            let what =
                "its old_name is empty: the kernel may find the symbol of a section".to_owned();
            return refused(Refusal::Harmful(what));
        }
        let query = Query::new(name);
        let sympos = Sympos(function.old_sympos);
        let lookup = SymbolLookup::look_up(self.target, self.policy, objname, &query, name, sympos);
        let lookup = match lookup {
            SymbolLookup::Found(lookup) => lookup,
            SymbolLookup::Refused { refusal, hint } => {
                let mut checked = refused(refusal);
                checked.warnings.extend(hint);
                return checked;
            }
            SymbolLookup::NoObject => {
                return unchecked(&self.target.not_given(objname));
            }
        };
        report.needs_klp_sympos |= lookup.needs_klp_sympos();
        let name = || shown(name);
        let warnings = lookup.doubts(self.policy, &query, sympos);
        let traceable = lookup.object.traceable(lookup.found.seq);
        // klp_init_object_loaded() asks for both sizes, and klp_patch_func() comes after it.
        if traceable == Traceable::NoSize {
            return refused(Refusal::SizeLookup { name: name() });
        }
        match self.jump(function.new_func) {
            Jump::Fits => {}
            Jump::Nowhere => return refused(Refusal::ReplacementSizeLookup { name: name() }),
            Jump::Freed(what) | Jump::Harmful(what) => {
                return refused(Refusal::Harmful(format!("its replacement {what}")));
            }
        }
        if traceable == Traceable::No {
            return refused(Refusal::NoFtrace { name: name() });
        }
        let outcome = if traceable == Traceable::Unknown {
            let (address, origin) = (lookup.entry.address, &lookup.object.origin);
            Outcome::Unchecked(format!(
                "found {} at {address:016x}, but {origin} does not tell whether ftrace can trace it",
                shown(lookup.entry.name.0)
            ))
        } else {
            lookup.outcome()
        };
        Checked {
            outcome,
            place: Some(lookup.found.seq),
            warnings,
        }
    }
}

/// The result for one function.
struct Checked {
    outcome: Outcome,
    /// Its place in the object's table.
    place: Option<u32>,
    warnings: Vec<String>,
}

impl Checked {
    fn new(outcome: Outcome) -> Self {
        Self {
            outcome,
            place: None,
            warnings: Vec::new(),
        }
    }
}

/// Returns the refusal of a `klp_func` with a fault that the kernel does not notice.
fn function_refusal(problem: FunctionProblem) -> Refusal {
    let what = match problem {
        FunctionProblem::NoName => "its old_name does not point to a string",
        FunctionProblem::NameWritten => "a relocation writes into its old_name",
        FunctionProblem::NameFreed => {
            "its old_name is in a section that is freed once the module has loaded"
        }
        FunctionProblem::SymposWritten => "a relocation writes into its old_sympos",
    };
    Refusal::Harmful(what.to_owned())
}

/// Returns the kernel's name of an object.
fn name_of<'d>(object: &PatchedObject<'d>) -> &'d [u8] {
    object.name.unwrap_or(b"vmlinux")
}

/// Returns the refusal of a function that does not depend on the symbols of its object: `klp_init_func()`.
fn init_refusal(function: &PatchedFunction<'_>, twice: bool) -> Option<Refusal> {
    let name = function.old_name.unwrap_or_default();
    if !function.has_old_name {
        Some(silent("old_name is NULL"))
    } else if function.new_func == Pointer::Null {
        Some(silent("new_func is NULL"))
    } else if name.len() >= KSYM_NAME_LEN {
        Some(silent("the name has more than 511 bytes"))
    } else {
        twice.then(|| Refusal::Exists {
            name: format!("{},{}", shown(name), function.old_sympos.max(1)),
        })
    }
}

/// Returns the refusal of an object by itself, and the time at which the kernel makes it.
fn object_refusal(
    index: usize,
    object: &PatchedObject<'_>,
    twice: bool,
) -> Option<(Stage, Refusal)> {
    let name = name_of(object);
    if !object.has_funcs {
        // klp_enable_patch()
        return Some((Stage::Objects, silent("funcs is NULL")));
    }
    let refusal = if name.len() >= MODULE_NAME_LEN {
        // klp_init_object()
        let len = name.len();
        silent(&format!("the name has {len} bytes (at most 55)"))
    } else if name.is_empty() {
        // kobject_add_internal()
        Refusal::Loader("attempted to be registered with empty name!".to_owned())
    } else if twice {
        Refusal::Exists { name: shown(name) }
    } else {
        return None;
    };
    Some((Stage::Object(index, Step::Init), refusal))
}

/// Returns the time at which the kernel makes a finding about a function that it looks up.
fn stage_of_lookup(object: usize, outcome: &Outcome) -> Stage {
    match outcome {
        Outcome::Refused(Refusal::NoFtrace { .. }) => Stage::Patch,
        _ => Stage::Object(object, Step::LookUp),
    }
}

fn silent(what: &str) -> Refusal {
    Refusal::silent(Errno::Inval, what)
}
