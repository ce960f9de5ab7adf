// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The checks of the module as a whole: that it is a livepatch, and that its dependencies are complete.

use crate::check::refusal::Refusal;
use crate::check::report::{Kind, Outcome, Report, Stage};
use crate::check::subject::Subject;
use crate::elf::Section;
use crate::livepatch::memory::is_applied_at_load;
use crate::livepatch::{klp_build, THIS_MODULE};
use object::read::ReadRef;

/// The function that replaces functions.
const ENABLE: &[u8] = b"klp_enable_patch";

/// The name by which modpost refers to the init function.
const INIT: &[u8] = b"init_module";

impl<'d, R: ReadRef<'d>> Subject<'_, 'd, R> {
    /// Returns whether the module calls `klp_enable_patch()`.
    pub(in crate::check) fn enables(&self) -> bool {
        self.elf.imports(ENABLE)
    }

    /// Reports a module that is no livepatch, and a livepatch without a known `klp_patch`.
    pub(in crate::check) fn check_livepatch(&self, report: &mut Report) {
        let enables = self.enables();
        let livepatch = self.modinfo.get(b"livepatch").is_some();
        let module = self.module.clone();
        if !livepatch && self.elf.imports(klp_build::FIND) {
            // Before the init code calls klp_enable_patch(), which looks for livepatch=Y.
            let refusal = Refusal::InitReadsNull { module };
            report.during(Stage::Objects, |report| self.refuse_module(refusal, report));
        } else if enables && !livepatch {
            self.refuse_module(Refusal::NotLivepatch { module }, report);
        } else if !enables && !livepatch {
            let what =
                "not a livepatch: it has no livepatch=Y and does not call klp_enable_patch()";
            report
                .add(Kind::Module, "", self.module.clone(), Outcome::Accepted)
                .warn(what);
        }
        self.check_enables(report);
        if enables && self.patches.is_empty() {
            let what = "no klp_patch was found in its data: its functions cannot be checked";
            let outcome = Outcome::Unchecked(what.to_owned());
            report.add(Kind::Module, "", self.module.clone(), outcome);
        }
    }

    /// Reports a livepatch that is loaded and patches nothing, because no code that the kernel runs calls
    /// `klp_enable_patch()`.
    fn check_enables(&self, report: &mut Report) {
        // An object that is not linked yet has no struct module, and may get its init code from another.
        let is_linked = self.elf.section_by_name(THIS_MODULE).is_some();
        if !is_linked || self.modinfo.get(b"livepatch").is_none() {
            return;
        }
        let calls = self.relocated(Section::is_code, ENABLE);
        let starts = self.relocated(|section| section.name == THIS_MODULE, INIT);
        let what = if !starts {
            "has no init function: the kernel loads it, and it patches nothing (add module_init())"
        } else if !calls {
            "does not call klp_enable_patch(): the kernel loads it, and it patches nothing"
        } else {
            return;
        };
        report
            .add(Kind::Module, "", self.module.clone(), Outcome::Accepted)
            .warn(what);
    }

    /// Returns true if the loader writes the address of a symbol to a section.
    fn relocated(&self, is_wanted: impl Fn(&Section<'d>) -> bool, name: &[u8]) -> bool {
        let rela = self.rela.iter().filter(|r| {
            is_wanted(&r.target)
                && self.loaded.has_memory(&r.target)
                && is_applied_at_load(&r.section)
        });
        let mut symbols = rela.flat_map(|r| r.relocations().map(|r| r.symbol));
        symbols.any(|symbol| {
            let symbol = self.elf.get_symbol(symbol);
            symbol.is_some_and(|symbol| symbol.name == name)
        })
    }

    /// Reports a livepatch that needs `klp_sympos` without a dependency that modprobe sees.
    pub(in crate::check) fn check_dependency(&self, report: &mut Report) {
        if report.needs_klp_sympos && !self.imports_klp_sympos() {
            report
                .add(Kind::Module, "", self.module.clone(), Outcome::Accepted)
                .warn(
                    "needs klp_sympos, but does not refer to klp_sympos_v1: modprobe will not load \
                    klp_sympos first (load it by hand, or use klp-gen convert)",
                );
        }
    }
}
