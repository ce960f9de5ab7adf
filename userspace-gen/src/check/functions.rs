// SPDX-License-Identifier: GPL-2.0 OR MIT

//! What is to be replaced: `klp_enable_patch()` and what it calls.

use super::lookup::Position;
use super::refusal::Refusal;
use super::report::{Kind, Outcome, Report, Stage, Step};
use super::Subject;
use crate::livepatch::{PatchedFunction, PatchedObject, Pointer};
use crate::shown::shown;
use crate::target::Traceable;
use klp_policy::{ObjName, Query, Sympos, KSYM_NAME_LEN, MODULE_NAME_LEN};
use object::read::ReadRef;
use std::collections::{HashMap, HashSet};

/// What kbuild makes no module's name of.
pub(super) const NO_SUCH_MODULE: &str = "no module can be called so: its name has no '-' or '.'";

impl<'d, R: ReadRef<'d>> Subject<'_, 'd, R> {
    /// Reports the objects and functions of every `klp_patch`.
    pub(super) fn check_patches(&self, report: &mut Report) {
        for patch in &self.patches {
            let mut directories = HashSet::new();
            for (index, object) in patch.objects.iter().enumerate() {
                // klp_init_object() names a directory so.
                let twice = !directories.insert(name_of(object));
                let start = report.findings.len();
                self.check_object(object, twice, report);
                for finding in report.findings.iter_mut().skip(start) {
                    finding.stage = if object.has_funcs {
                        stage(index, &finding.outcome)
                    } else {
                        Stage::Objects
                    };
                }
            }
        }
    }

    fn check_object(&self, object: &PatchedObject<'d>, twice: bool, report: &mut Report) {
        let name = name_of(object);
        let object_name = shown(name);
        let refusal = if !object.has_funcs {
            // klp_enable_patch()
            Some(silent("its funcs is NULL"))
        } else if name.len() >= MODULE_NAME_LEN {
            // klp_init_object()
            Some(silent(&format!("the name has {} bytes", name.len())))
        } else if name.is_empty() {
            // kobject_add_internal()
            let what = "attempted to be registered with empty name!";
            Some(Refusal::Loader(what.to_owned()))
        } else {
            twice.then(|| Refusal::Exists {
                name: object_name.clone(),
            })
        };
        if let Some(refusal) = refusal {
            let outcome = Outcome::Refused(refusal);
            report.add(Kind::Object, &object_name, &object_name, outcome);
            return;
        }
        let finding = report.add(Kind::Object, &object_name, &object_name, Outcome::Accepted);
        let objname = if object.name == Some(b"vmlinux") {
            finding.warn("vmlinux is meant by no name: no module can be called so");
            None
        } else {
            let objname = ObjName::new(name).filter(|_| !name.contains(&b'-'));
            if objname.is_none() {
                finding.warn(NO_SUCH_MODULE);
            }
            objname
        };
        let mut places = HashMap::new();
        let mut directories = HashSet::new();
        for function in &object.functions {
            let subject = function.old_name.map_or_else(
                || "?".to_owned(),
                |name| format!("{},{}", shown(name), function.old_sympos),
            );
            // klp_init_func() names a directory so.
            let directory = (function.old_name, function.old_sympos.max(1));
            let twice = !directories.insert(directory) && function.old_name.is_some();
            let checked = match (init_refusal(function, twice), objname) {
                (Some(refusal), _) => Checked::new(Outcome::Refused(refusal)),
                (None, Some(objname)) => self.check_function(objname, function, report),
                // Nothing is looked up in what never comes.
                (None, None) => continue,
            };
            let finding = report.add(Kind::Function, &object_name, &subject, checked.outcome);
            finding.warnings = checked.warnings;
            let place = checked.place;
            if let Some(other) = place.and_then(|place| places.insert(place, subject)) {
                // klp_patch_func() puts both on the function's stack, and the last one is called.
                finding.outcome = Outcome::Refused(Refusal::Harmful(format!(
                    "the same function as {other}, whose replacement would never be called"
                )));
            }
        }
    }

    /// What is looked up: `klp_init_object_loaded()`, and `klp_patch_func()`.
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
        let query = Query::new(name);
        let sympos = Sympos(function.old_sympos);
        let lookup = Position::look_up(self.target, self.policy, objname, &query, name, sympos);
        let lookup = match lookup {
            Position::Found(lookup) => lookup,
            Position::Refused(refusal) => return refused(refusal),
            Position::NoObject => {
                return unchecked(&format!("{objname} is not among the targets"));
            }
        };
        report.needs_klp_sympos |= lookup.needs_klp_sympos();
        let name = || shown(name);
        let warnings = lookup.doubts(self.policy, &query, sympos);
        let traceable = lookup.object.traceable(lookup.found.seq);
        match traceable {
            Traceable::No => return refused(Refusal::NoFtrace { name: name() }),
            Traceable::NoSize => return refused(Refusal::SizeLookup { name: name() }),
            Traceable::Yes | Traceable::Unknown => {}
        }
        match self.replacement(function) {
            Replacement::Fits => {}
            Replacement::Nowhere => {
                return refused(Refusal::ReplacementSizeLookup { name: name() });
            }
            Replacement::Harmful(what) => return refused(Refusal::Harmful(what)),
        }
        let (address, found) = (lookup.entry.address, shown(lookup.entry.name.0));
        let outcome = if traceable == Traceable::Unknown {
            let origin = &lookup.object.origin;
            Outcome::Unchecked(format!(
                "it is {found} at {address:016x}, but {origin} does not tell whether ftrace can \
                 trace it"
            ))
        } else {
            Outcome::Resolved {
                address,
                name: found,
            }
        };
        Checked {
            outcome,
            place: Some(lookup.found.seq),
            warnings,
        }
    }

    /// Where the replacement is: `klp_init_object_loaded()` only wants kallsyms to know the place.
    fn replacement(&self, function: &PatchedFunction<'d>) -> Replacement {
        let at = match function.new_func {
            Pointer::Number(_) => return Replacement::Nowhere,
            Pointer::Null | Pointer::External(_) => return Replacement::Fits,
            Pointer::Local(at) => at,
        };
        let Some(section) = self.elf.get_section(at.section) else {
            return Replacement::Fits;
        };
        let name = shown(section.name);
        if !section.is_alloc() {
            Replacement::Nowhere
        } else if !section.is_code() {
            Replacement::Harmful(format!("its replacement is in {name}, which is no code"))
        } else if section.name.starts_with(b".init") {
            let what =
                "its replacement is in .init.text, which is freed once the module has loaded";
            Replacement::Harmful(what.replace(".init.text", &name))
        } else {
            Replacement::Fits
        }
    }
}

/// What came of a function.
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

/// What the kernel calls an object.
fn name_of<'d>(object: &PatchedObject<'d>) -> &'d [u8] {
    object.name.unwrap_or(b"vmlinux")
}

/// Why a function is refused whatever its object has: `klp_init_func()`.
fn init_refusal(function: &PatchedFunction<'_>, twice: bool) -> Option<Refusal> {
    let name = function.old_name.unwrap_or_default();
    if !function.has_old_name {
        Some(silent("old_name is NULL"))
    } else if function.new_func == Pointer::Null {
        Some(silent("new_func is NULL"))
    } else if name.len() >= KSYM_NAME_LEN {
        Some(silent("the name has 512 bytes or more"))
    } else {
        twice.then(|| Refusal::Exists {
            name: format!("{},{}", shown(name), function.old_sympos.max(1)),
        })
    }
}

/// What is known of a replacement.
enum Replacement {
    /// It is code that stays.
    Fits,
    /// kallsyms does not know the place.
    Nowhere,
    /// The kernel would call it, and should not.
    Harmful(String),
}

/// When the kernel comes to what it makes of an object or of one of its functions.
fn stage(object: usize, outcome: &Outcome) -> Stage {
    match outcome {
        Outcome::Refused(Refusal::NoFtrace { .. }) => Stage::Patch,
        // klp_init_object() and klp_init_func() look nothing up.
        Outcome::Accepted
        | Outcome::Refused(Refusal::Silent(_) | Refusal::Exists { .. } | Refusal::Loader(_)) => {
            Stage::Object(object, Step::Init)
        }
        _ => Stage::Object(object, Step::LookUp),
    }
}

fn silent(what: &str) -> Refusal {
    Refusal::Silent(format!("-EINVAL without a word: {what}"))
}
