// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The names of sections and symbols: `layout_symtab()` in kernel/module/kallsyms.c reads them, and
//! /sys/module gets them at the end of `load_module()`.

use crate::check::refusal::Refusal;
use crate::check::report::{Kind, Outcome, Report};
use crate::check::subject::Subject;
use crate::elf::{Section, SymbolId};
use crate::printable::shown;
use object::read::ReadRef;
use std::collections::HashSet;

impl<'d, R: ReadRef<'d>> Subject<'_, 'd, R> {
    /// Reports names that begin or end outside of the table of names: `layout_symtab()` in
    /// kernel/module/kallsyms.c reads such a name up to the next 0, in the data behind the table.
    ///
    /// The loader checks section names, except that of `SHT_NULL` sections; `module_finalize()` in
    /// arch/x86/kernel/module.c still compares those.
    pub(in crate::check) fn check_names(&self, report: &mut Report) {
        if let Some(id) = self.elf.unnamed_section() {
            let what = format!("the name of section {} is not in the table of names", id.0);
            self.refuse_module(Refusal::Harmful(what), report);
        }
        let mut symbols = (0..self.elf.symbol_count()).map(SymbolId);
        if let Some(id) = symbols.find(|&id| !self.elf.has_name(id)) {
            let what = format!("the name of symbol {} is not in the table of names", id.0);
            self.refuse_module(Refusal::Harmful(what), report);
        }
    }

    /// Reports two sections of one name, which /sys/module cannot have: `add_sect_attrs()` in
    /// kernel/module/sysfs.c.
    pub(in crate::check) fn check_sysfs(&self, report: &mut Report) {
        let mut names = HashSet::new();
        let is_kept = |s: &Section<'_>| s.size > 0 && self.loaded.has_memory(s);
        for section in self.elf.sections().filter(is_kept) {
            if !names.insert(section.name) {
                // The kernel logs a stack trace as well.
                let refusal = Refusal::Loader(format!(
                    "sysfs: cannot create duplicate filename '/module/{}/sections/{}'",
                    self.module,
                    shown(section.name)
                ));
                let outcome = Outcome::Refused(refusal);
                report.add(Kind::Section, "", shown(section.name), outcome);
                return;
            }
        }
    }
}
