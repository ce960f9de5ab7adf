// SPDX-License-Identifier: GPL-2.0 OR MIT

//! What is to be replaced: `klp_enable_patch()` and what it calls.

use super::lookup::Position;
use super::refusal::Refusal;
use super::report::{Kind, Outcome, Report};
use super::Subject;
use crate::elf::Place;
use crate::livepatch::{PatchedFunction, PatchedObject, Pointer};
use crate::shown::shown;
use crate::target::Traceable;
use klp_policy::{ObjName, Query, Sympos, KSYM_NAME_LEN, MODULE_NAME_LEN};
use object::read::ReadRef;
use std::collections::{HashMap, HashSet};

/// What replaces functions.
const ENABLE: &[u8] = b"klp_enable_patch";

impl<'d, R: ReadRef<'d>> Subject<'_, 'd, R> {
    /// Reports the objects and functions of every `klp_patch`.
    pub(super) fn check_patches(&self, report: &mut Report) {
        let enables = self
            .elf
            .symbols()
            .any(|s| s.name == ENABLE && s.place == Place::Undefined);
        let livepatch = self.modinfo.get(b"livepatch").is_some();
        if enables && !livepatch {
            let refusal = Refusal::NotLivepatch {
                module: self.module.clone(),
            };
            report.add(
                Kind::Module,
                "",
                self.module.clone(),
                Outcome::Refused(refusal),
            );
        } else if !enables && !livepatch {
            let what = "no livepatch: it has no livepatch=Y and does not call klp_enable_patch()";
            report
                .add(Kind::Module, "", self.module.clone(), Outcome::Accepted)
                .warn(what);
        }
        if enables && self.patches.is_empty() {
            let what = "no klp_patch found in its data: its functions cannot be checked";
            let outcome = Outcome::Unchecked(what.to_owned());
            report.add(Kind::Module, "", self.module.clone(), outcome);
        }
        for object in self.patches.iter().flat_map(|p| &p.objects) {
            self.check_object(object, report);
        }
    }

    /// Reports a need for `klp_sympos` that modprobe does not see.
    pub(super) fn check_dependency(&self, report: &mut Report) {
        if report.needs_klp_sympos && !self.imports_klp_sympos() {
            report
                .add(Kind::Module, "", self.module.clone(), Outcome::Accepted)
                .warn(
                    "needs klp_sympos, but has no reference to klp_sympos_v1: nothing will load \
                     that module first",
                );
        }
    }

    fn check_object(&self, object: &PatchedObject<'d>, report: &mut Report) {
        let name = object.name.unwrap_or(b"vmlinux");
        let object_name = shown(name);
        // klp_init_object()
        if name.len() >= MODULE_NAME_LEN {
            let what = format!("-EINVAL without a word: the name has {} bytes", name.len());
            let outcome = Outcome::Refused(Refusal::Silent(what));
            report.add(Kind::Object, &object_name, &object_name, outcome);
            return;
        }
        let objname = ObjName::new(name);
        let warning = match object.name {
            Some(b"vmlinux") => Some("vmlinux is meant by no name: no module can be called so"),
            Some(name) if name.contains(&b'-') => Some("no module can be called so: '-' is '_'"),
            Some(_) if objname.is_none() => Some("no module can be called so"),
            _ => None,
        };
        report
            .add(Kind::Object, &object_name, &object_name, Outcome::Accepted)
            .warnings
            .extend(warning.map(str::to_owned));
        let (Some(objname), None) = (objname, warning) else {
            return;
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
            let twice = !directories.insert(directory);
            let (outcome, place, warnings) = match function.old_name {
                Some(name) if twice => {
                    let refusal = Refusal::Silent(format!(
                        "kobject_add_internal failed for {},{} with -EEXIST",
                        shown(name),
                        directory.1
                    ));
                    (Outcome::Refused(refusal), None, Vec::new())
                }
                _ => self.check_function(objname, function, report),
            };
            let finding = report.add(Kind::Function, &object_name, &subject, outcome);
            finding.warnings = warnings;
            if let Some(other) = place.and_then(|place| places.insert(place, subject)) {
                finding.warn(format!("the same function as {other}"));
            }
        }
    }

    fn check_function(
        &self,
        objname: ObjName<'_>,
        function: &PatchedFunction<'d>,
        report: &mut Report,
    ) -> (Outcome, Option<u32>, Vec<String>) {
        let refused = |refusal| (Outcome::Refused(refusal), None, Vec::new());
        let unchecked = |why: &str| (Outcome::Unchecked(why.to_owned()), None, Vec::new());
        let silent = |what: &str| Refusal::Silent(format!("-EINVAL without a word: {what}"));
        let Some(name) = function.old_name else {
            return unchecked("its old_name cannot be read from the file");
        };
        // klp_init_func()
        if function.new_func == Pointer::Null {
            return refused(silent("new_func is NULL"));
        }
        if name.len() >= KSYM_NAME_LEN {
            return refused(silent("the name has 512 bytes or more"));
        }
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
        let mut warnings = Vec::from_iter(lookup.hides(&query));
        match lookup.object.traceable(lookup.found.seq) {
            Traceable::No => return refused(Refusal::NoFtrace { name: name() }),
            Traceable::NoSize => return refused(Refusal::SizeLookup { name: name() }),
            Traceable::Unknown => {
                warnings.push("whether ftrace can trace it is not known".to_owned());
            }
            Traceable::Yes => {}
        }
        let outcome = Outcome::Resolved {
            address: lookup.entry.address,
            name: shown(lookup.entry.name.0),
        };
        (outcome, Some(lookup.found.seq), warnings)
    }
}
