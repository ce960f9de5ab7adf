// SPDX-License-Identifier: GPL-2.0 OR MIT

//! What the loader makes of the module's sections and names as a whole: `layout_and_allocate()` in
//! kernel/module/main.c, and /sys/module, which it fills at the end of `load_module()`.

use super::refusal::Refusal;
use super::report::{Kind, Outcome, Report};
use super::Subject;
use crate::elf::{Section, SymbolId};
use crate::livepatch::Modinfo;
use crate::shown::shown;
use object::read::ReadRef;
use std::collections::HashSet;

impl<'d, R: ReadRef<'d>> Subject<'_, 'd, R> {
    /// Reports names that are not where they should be: the loader reads on until a byte is 0, in
    /// whatever comes behind the table (`layout_symtab()`, kernel/module/kallsyms.c).
    ///
    /// Of sections the name is looked at, but not that of one which is none, and which
    /// `module_finalize()` in arch/x86/kernel/module.c compares all the same.
    pub(super) fn check_names(&self, report: &mut Report) {
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

    /// Reports what /sys/module cannot have: `add_sect_attrs()` in kernel/module/sysfs.c.
    pub(super) fn check_sysfs(&self, report: &mut Report) {
        let mut names = HashSet::new();
        for section in self.elf.sections().filter(|s| self.is_kept(s)) {
            if !names.insert(section.name) {
                // The kernel says it with a stack trace.
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

    /// Whether the loader still has a section when it has laid the module out: also the symbols,
    /// whatever their flags say.
    fn is_kept(&self, section: &Section<'_>) -> bool {
        let symtab = self.elf.symtab_section();
        let symtab = symtab.and_then(|id| self.elf.get_section(id));
        let is_table =
            symtab.is_some_and(|s| s.id == section.id || s.link as usize == section.id.0);
        let is_loaded = is_loaded(section) && section.name != PER_CPU;
        section.size > 0 && (is_table || is_loaded)
    }
}

/// Whether a section gets memory that stays: `rewrite_section_headers()`.
pub(super) fn is_loaded(section: &Section<'_>) -> bool {
    const READ: [&[u8]; 2] = [Modinfo::SECTION, b"__versions"];
    section.is_alloc() && !READ.contains(&section.name)
}

/// The section that the loader makes an allocation of its own for: `find_pcpusec()`.
pub(super) const PER_CPU: &[u8] = b".data..percpu";
