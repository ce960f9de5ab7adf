// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The module as a livepatch: whether it is one, and what it needs.

use crate::check::refusal::Refusal;
use crate::check::report::{Kind, Outcome, Report};
use crate::check::subject::Subject;
use crate::elf::Place;
use object::read::ReadRef;

/// The function that replaces functions.
const ENABLE: &[u8] = b"klp_enable_patch";

impl<'d, R: ReadRef<'d>> Subject<'_, 'd, R> {
    /// Returns whether the module calls `klp_enable_patch()`.
    pub(in crate::check) fn enables(&self) -> bool {
        self.elf
            .symbols()
            .any(|s| s.name == ENABLE && s.place == Place::Undefined)
    }

    /// Reports whether the module is a livepatch, and whether its `klp_patch` was found.
    pub(in crate::check) fn check_livepatch(&self, report: &mut Report) {
        let enables = self.enables();
        let livepatch = self.modinfo.get(b"livepatch").is_some();
        if enables && !livepatch {
            let module = self.module.clone();
            self.refuse_module(Refusal::NotLivepatch { module }, report);
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
    }

    /// Reports a need for `klp_sympos` that modprobe does not see.
    pub(in crate::check) fn check_dependency(&self, report: &mut Report) {
        if report.needs_klp_sympos && !self.imports_klp_sympos() {
            report
                .add(Kind::Module, "", self.module.clone(), Outcome::Accepted)
                .warn(
                    "needs klp_sympos, but has no reference to klp_sympos_v1: nothing will load \
                     that module first",
                );
        }
    }
}
