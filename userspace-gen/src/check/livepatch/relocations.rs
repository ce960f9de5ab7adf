// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Livepatch relocations: `klp_write_section_relocs()` and `klp_resolve_symbols()` in
//! kernel/livepatch/core.c. `symbols` looks up the symbols to which they refer.

use super::symbols::{FoundNames, Reference};
use crate::check::loader::values::{Value, WrittenBytes};
use crate::check::refusal::{Refusal, RelocationPlace};
use crate::check::report::{Kind, Outcome, Report, Stage, Step};
use crate::check::subject::Subject;
use crate::elf::{Place, Section, SectionId, Symbol, SymbolId};
use crate::livepatch::rela::Relocation;
use crate::livepatch::{klp_build, PatchedObject, RelaSection};
use crate::printable::shown;
use klp_policy::{LivepatchSection, ObjName};
use object::elf;
use object::read::ReadRef;
use std::collections::{BTreeMap, BTreeSet};

const NOT_LOADED: &str = "never applied: the section to be changed is not loaded";

/// Message for relocations of per-cpu variables that the kernel does not apply.
const NOT_PER_CPU: &str =
    "not applied by kernels before 6.17: the per-cpu variables that it changes stay 0";

/// The results for the sections that were checked before.
#[derive(Default)]
struct Seen {
    /// The symbols that are used.
    used: BTreeSet<SymbolId>,
    /// The bytes that were written, and their places.
    written: WrittenBytes,
    /// The symbols that were found.
    found: FoundNames,
}

impl<'d, R: ReadRef<'d>> Subject<'_, 'd, R> {
    /// Reports every livepatch section and symbol, and the relocations with faults.
    pub(in crate::check) fn check_relocations(&self, report: &mut Report) {
        let mut seen = Seen::default();
        let mut rel = self.elf.sections().filter(|s| self.is_rel(s)).peekable();
        // The loader leaves the relocations of other objects to the livepatch core, which applies them behind all others.
        let (later, first): (Vec<&RelaSection<'d>>, Vec<_>) =
            self.rela.iter().partition(|rela| is_later(rela));
        for rela in first.into_iter().chain(later) {
            while let Some(section) = rel.next_if(|s| s.id < rela.section.id) {
                self.refuse_rel(&section, report);
            }
            if rela.section.is_livepatch_rela() {
                if let Some(object) = self.object_of(rela) {
                    let stage = Stage::Object(object, Step::Relocate);
                    report.during(stage, |report| self.check_section(rela, &mut seen, report));
                } else {
                    self.check_section(rela, &mut seen, report);
                }
            } else if self.loaded.is_relocated(&rela.target) {
                self.check_ordinary(rela, &mut seen.written, report);
            } else if self.loaded.is_per_cpu(&rela.target) {
                let name = shown(rela.section.name);
                let finding = report.add(Kind::Section, "", name, Outcome::Accepted);
                finding.warn(NOT_PER_CPU);
            }
            self.check_size(rela, report);
        }
        for section in rel {
            self.refuse_rel(&section, report);
        }
        self.check_targets(report);
        let livepatch = |s: &Symbol<'_>| {
            let is_tombstone = s.name.starts_with(klp_build::TOMBSTONE);
            s.place == Place::Livepatch && !is_tombstone && !seen.used.contains(&s.id)
        };
        for symbol in self.elf.symbols().filter(livepatch) {
            let name = shown(symbol.name);
            report
                .add(Kind::Symbol, "", name, Outcome::Accepted)
                .warn("no livepatch relocation uses it");
        }
    }

    /// Returns true if a section has relocations without addends, which the loader does not support:
    /// `apply_relocate()`.
    fn is_rel(&self, section: &Section<'_>) -> bool {
        let target = self.elf.get_section(SectionId(section.info as usize));
        section.kind == elf::SHT_REL
            && !section.is_livepatch_rela()
            && target.is_some_and(|target| self.loaded.is_relocated(&target))
            && self.elf.machine() == elf::EM_X86_64
    }

    fn refuse_rel(&self, section: &Section<'_>, report: &mut Report) {
        let module = &self.module;
        let refusal = Refusal::Loader(format!("module {module}: REL relocation unsupported"));
        let outcome = Outcome::Refused(refusal);
        report.add(Kind::Section, "", shown(section.name), outcome);
    }

    /// Reports relocations of a section that does not exist: `apply_relocations()` skips them, but
    /// `klp_write_object_relocs()` does not check for them.
    fn check_targets(&self, report: &mut Report) {
        for section in self.elf.sections().filter(Section::is_livepatch_rela) {
            let target = SectionId(section.info as usize);
            let parsed = LivepatchSection::parse(section.name);
            if self.elf.get_section(target).is_some() {
                continue;
            }
            match parsed {
                Ok(parsed) if parsed.objname().is_vmlinux() => {}
                Ok(_) => {
                    let what = format!("it changes section {}, which does not exist", target.0);
                    let outcome = Outcome::Refused(Refusal::Harmful(what));
                    report.add(Kind::Section, "", shown(section.name), outcome);
                }
                Err(_) => self.check_name(&section, report),
            }
        }
    }

    /// Reports relocations that the loader applies itself, and that need the livepatch core.
    fn check_ordinary(
        &self,
        rela: &RelaSection<'d>,
        written: &mut WrittenBytes,
        report: &mut Report,
    ) {
        let section = shown(rela.section.name);
        // Nobody reads the zeros there.
        let is_list = rela.target.name.starts_with(klp_build::RELOCATIONS);
        let mut seen = BTreeSet::new();
        for relocation in rela.relocations() {
            let Some(symbol) = self.elf.get_symbol(relocation.symbol) else {
                refuse_relocation(&section, &relocation, "", no_symbol(), report);
                continue;
            };
            if relocation.is_skipped(self.elf.machine()) {
                continue;
            }
            let value = self.value_of(&symbol);
            if let Some(refusal) = self.check_value(rela, &relocation, value, written) {
                refuse_relocation(&section, &relocation, "", refusal, report);
            }
            let is_first = seen.insert(symbol.id);
            if symbol.place == Place::Livepatch && is_first && !is_list {
                let what = Refusal::Harmful(format!(
                    "{} is a livepatch symbol, but {section} is an ordinary relocation section: \
                    the loader would write address 0",
                    shown(symbol.name)
                ));
                refuse_relocation(&section, &relocation, "", what, report);
            }
            if let Some(what) = self.outside(&symbol).filter(|_| is_first) {
                refuse_relocation(&section, &relocation, "", Refusal::Harmful(what), report);
            }
        }
    }

    /// Describes a symbol that extends beyond its section: the loader puts other data there.
    fn outside(&self, symbol: &Symbol<'_>) -> Option<String> {
        let section = self.elf.get_section(symbol.section()?)?;
        let end = symbol.value.checked_add(symbol.size);
        let is_outside = end.is_none_or(|end| end > section.size);
        (is_outside && self.loaded.has_memory(&section)).then(|| {
            format!(
                "it refers to {}, {} bytes at offset {:#x} of {}, but the section has {:#x} bytes",
                shown(symbol.name),
                symbol.size,
                symbol.value,
                shown(section.name),
                section.size
            )
        })
    }

    /// Reports a section with part of a relocation at its end. The kernel ignores that part.
    fn check_size(&self, rela: &RelaSection<'_>, report: &mut Report) {
        const RELA: u64 = 24;
        let size = rela.section.size;
        if self.loaded.is_relocated(&rela.target) && size % RELA != 0 {
            let name = shown(rela.section.name);
            report
                .add(Kind::Section, "", name, Outcome::Accepted)
                .warn(format!(
                    "its size, {size} bytes, is not a multiple of {RELA}"
                ));
        }
    }

    fn check_section(&self, rela: &RelaSection<'d>, seen: &mut Seen, report: &mut Report) {
        let name = shown(rela.section.name);
        let Ok(parsed) = LivepatchSection::parse(rela.section.name) else {
            if self.loaded.is_relocated(&rela.target) {
                // apply_relocations()
                let outcome = Outcome::Refused(Refusal::SectionFormat {
                    section: name.clone(),
                });
                report.add(Kind::Section, "", name, outcome);
            } else {
                self.check_name(&rela.section, report);
            }
            return;
        };
        let objname = parsed.objname();
        let object = objname.to_string();
        let finding = report.add(Kind::Section, &object, &name, Outcome::Accepted);
        if let Some(why) = self.never_applied(rela, objname) {
            finding.warn(why);
            // The kernel does not read the relocations.
            seen.used.extend(rela.relocations().map(|r| r.symbol));
            return;
        }
        if !objname.is_vmlinux() && !self.loaded.has_memory(&rela.section) {
            // load_module() frees sections without SHF_ALLOC.
            finding.outcome = Outcome::Refused(Refusal::Harmful(format!(
                "it has no SHF_ALLOC: the kernel frees it before {objname} is loaded"
            )));
            return;
        }
        if !objname.is_vmlinux() && !self.loaded.has_memory(&rela.target) {
            let target = shown(rela.target.name);
            let what =
                format!("it changes {target}, which the kernel frees before {objname} is loaded");
            finding.outcome = Outcome::Refused(Refusal::Harmful(what));
            return;
        }
        finding.warnings.extend(too_late(rela, objname));
        let is_call = |r: &Relocation| r.kind == elf::R_X86_64_PLT32.0;
        let calls = rela.relocations().filter(is_call).map(|r| r.symbol);
        let calls: BTreeSet<SymbolId> = calls.collect();
        // klp_resolve_symbols() resolves all symbols before anything is written.
        let mut values = BTreeMap::new();
        let zeros = rela.zeros();
        let zeros = zeros.filter(|_| self.loaded.has_memory(&rela.section));
        for relocation in zeros.into_iter().chain(rela.relocations()) {
            seen.used.insert(relocation.symbol);
            values.entry(relocation.symbol).or_insert_with(|| {
                let Some(symbol) = self.elf.get_symbol(relocation.symbol) else {
                    refuse_relocation(&name, &relocation, &object, no_symbol(), report);
                    return Value::Unknown;
                };
                let reference = Reference {
                    section: objname,
                    is_called: calls.contains(&symbol.id),
                    at: self.place_of_symbol(&relocation),
                };
                self.check_symbol(&symbol, &reference, &mut seen.found, report)
            });
        }
        for relocation in rela.relocations() {
            let value = values.get(&relocation.symbol).copied();
            let value = value.unwrap_or(Value::Unknown);
            if let Some(refusal) = self.check_value(rela, &relocation, value, &mut seen.written) {
                refuse_relocation(&name, &relocation, &object, refusal, report);
            }
        }
    }

    /// Returns the place that messages tell about the symbol of a relocation: the section is that of the symbols, which
    /// `klp_resolve_symbols()` takes for that of the relocations.
    fn place_of_symbol(&self, relocation: &Relocation) -> Option<RelocationPlace> {
        self.told_place(self.elf.symtab_section()?, relocation)
    }

    /// Returns the reason for which the kernel will never apply a section.
    fn never_applied(&self, rela: &RelaSection<'d>, objname: ObjName<'_>) -> Option<String> {
        if objname.is_vmlinux() {
            // apply_relocations()
            let applied = self.loaded.is_relocated(&rela.target);
            return (!applied).then(|| NOT_LOADED.to_owned());
        }
        let known = !self.patches.is_empty() || !self.enables();
        (known && self.object_of(rela).is_none())
            .then(|| format!("never applied: the livepatch has no klp_object '{objname}'"))
    }

    /// Reports a malformed name of a section that `apply_relocations()` skips: `klp_write_object_relocs()`
    /// reads the names of all sections, for each module.
    fn check_name(&self, section: &Section<'_>, report: &mut Report) {
        let name = shown(section.name);
        let mut objects = self.patches.iter().flat_map(|patch| &patch.objects);
        let first = objects.position(|object| object.name.is_some());
        let unknown = self.patches.is_empty() && self.enables();
        if first.is_none() && !unknown {
            let finding = report.add(Kind::Section, "", name, Outcome::Accepted);
            finding.warn(NOT_LOADED);
            return;
        }
        let refusal = Refusal::SectionFormat {
            section: name.clone(),
        };
        let finding = report.add(Kind::Section, "", name, Outcome::Refused(refusal));
        if let Some(object) = first {
            finding.stage = Stage::Object(object, Step::Relocate);
        }
    }

    /// Returns the index of the `klp_object` that a section of relocations is for.
    fn object_of(&self, rela: &RelaSection<'d>) -> Option<usize> {
        let section = LivepatchSection::parse(rela.section.name).ok()?;
        let objname = section.objname();
        let is_it = |o: &PatchedObject<'_>| o.name == Some(objname.as_bytes());
        let mut found = self
            .patches
            .iter()
            .map(|p| p.objects.iter().position(is_it));
        found
            .find_map(|place| place)
            .filter(|_| !objname.is_vmlinux())
    }
}

/// Returns true if the livepatch core applies a section: `klp_apply_object_relocs()`.
fn is_later(rela: &RelaSection<'_>) -> bool {
    let parsed = LivepatchSection::parse(rela.section.name);
    rela.section.is_livepatch_rela() && parsed.is_ok_and(|parsed| !parsed.objname().is_vmlinux())
}

/// Returns the reason for which a section of relocations is applied too late.
///
/// The relocations for a module are applied when that module is loaded, maybe long after the livepatch
/// has initialized.
fn too_late(rela: &RelaSection<'_>, objname: ObjName<'_>) -> Option<String> {
    const READ_AT_LOAD: [&[u8]; 4] = [
        b".altinstructions",
        b".retpoline_sites",
        b".static_call_sites",
        b"__jump_table",
    ];
    let (name, target) = (rela.target.name, shown(rela.target.name));
    if objname.is_vmlinux() {
        None
    } else if name.starts_with(b".init") {
        Some(format!("{target} is freed before {objname} may be loaded"))
    } else if READ_AT_LOAD.contains(&name) {
        Some(format!("{target} is read before {objname} may be loaded"))
    } else {
        None
    }
}

fn refuse_relocation(
    section: &str,
    relocation: &Relocation,
    object: &str,
    refusal: Refusal,
    report: &mut Report,
) {
    let subject = format!("{section}[{}]", relocation.index);
    report.add(Kind::Relocation, object, subject, Outcome::Refused(refusal));
}

fn no_symbol() -> Refusal {
    Refusal::Harmful("it does not refer to a symbol".to_owned())
}
