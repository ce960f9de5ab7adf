// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The memory that the loader reserves for a module: `layout_sections()` in kernel/module/main.c,
//! `layout_symtab()` in kernel/module/kallsyms.c, `percpu_modalloc()`.
//!
//! The loader trusts the sizes and alignments of the sections and adds them up in 32 bits.

use crate::check::refusal::Refusal;
use crate::check::report::{Kind, Outcome, Report};
use crate::check::subject::Subject;
use crate::elf::Section;
use crate::livepatch::{Modinfo, THIS_MODULE};
use crate::printable::shown;
use object::elf;
use object::read::ReadRef;

/// The size of a page, and the most that module memory is aligned to: `MODULE_ALIGN`.
const PAGE: u64 = 4096;

/// The largest size of `MODULES_VADDR` to `MODULES_END` on x86-64: without `CONFIG_RANDOMIZE_BASE`.
const MODULE_AREA: u64 = 1520 << 20;

/// The largest module that any machine is expected to have memory for.
const ORDINARY: u64 = 64 << 20;

/// The smallest amount of per-cpu memory for all modules together: `PERCPU_MODULE_RESERVE`.
const PER_CPU_RESERVE: u64 = 8 << 10;

/// The largest amount of per-cpu memory that one module can get: `PCPU_MIN_UNIT_SIZE`.
const PER_CPU_MOST: u64 = 32 << 10;

/// The smallest alignment of per-cpu memory: `PCPU_MIN_ALLOC_SIZE`.
const PER_CPU_ALIGN: u64 = 4;

/// The size of a section header.
const HEADER: u64 = 64;

/// The size of an entry of the symbol table.
const SYMBOL: u64 = 24;

/// An allocation for a module: `struct module_memory`.
#[derive(Clone, Copy, Debug, Default)]
struct Block {
    size: u32,
}

/// A fault of a section that the loader does not notice.
enum Wrong {
    /// The section overlaps others.
    Overlaps,
    /// The section does not fit into 32 bits.
    TooLong,
}

impl Block {
    /// Adds a section: `module_get_offset_and_type()`, whose size is an unsigned int.
    fn add(&mut self, align: u64, size: u64) -> Result<(), Wrong> {
        let before = self.size;
        #[expect(clippy::cast_possible_truncation, reason = "so does ALIGN()")]
        let mask = (align.max(1) as u32).wrapping_sub(1);
        let offset = before.wrapping_add(mask) & !mask;
        if offset < before && size > 0 {
            return Err(Wrong::Overlaps);
        }
        let end = u64::from(offset).checked_add(size);
        let end = end.and_then(|end| u32::try_from(end).ok());
        self.size = end.ok_or(Wrong::TooLong)?;
        Ok(())
    }
}

/// The kinds of memory, each with an allocation of its own: `enum mod_mem_type`.
#[derive(Clone, Copy, Debug)]
enum MemType {
    Text,
    Data,
    Rodata,
    RoAfterInit,
    InitText,
    InitData,
    InitRodata,
}

const MEM_TYPES: usize = MemType::InitRodata as usize + 1;

impl<'d, R: ReadRef<'d>> Subject<'_, 'd, R> {
    /// Reports sections with a size or an alignment that the loader does not handle.
    pub(in crate::check) fn check_memory(&self, report: &mut Report) {
        for section in self.elf.sections().filter(|s| self.loaded.has_memory(s)) {
            self.check_contents(&section, report);
            let align = section.align;
            let is_x86 = self.elf.machine() == elf::EM_X86_64;
            if is_x86 && section.size > 0 && (align > PAGE || !align.max(1).is_power_of_two()) {
                let what = format!(
                    "alignment {align:#x}: the loader only supports powers of two up to a page"
                );
                report
                    .add(Kind::Section, "", shown(section.name), Outcome::Accepted)
                    .warn(what);
            }
        }
        let Some(wanted) = self.memory(report) else {
            return;
        };
        if self.elf.machine() == elf::EM_X86_64 && wanted > MODULE_AREA {
            // move_module(), in these words since 6.10; the error is -ENOMEM.
            let what = "execmem: unable to allocate memory";
            self.refuse_module(Refusal::Loader(what.to_owned()), report);
        } else if wanted > ORDINARY {
            let what = format!(
                "its sections need {} MiB of memory: the given files do not tell whether the machine \
                has that much",
                wanted >> 20
            );
            report.add(
                Kind::Module,
                "",
                self.module.clone(),
                Outcome::Unchecked(what),
            );
        }
    }

    /// Reports sections that overlap parts of the file to which the loader writes before it reads the
    /// sections: the section headers, and (until `move_module()`) the `struct module`.
    pub(in crate::check) fn check_places(&self, report: &mut Report) {
        let module = self.elf.section_by_name(THIS_MODULE);
        let endian = self.elf.endian();
        let headers = self.elf.header().e_shoff.get(endian);
        let count = self.elf.section_count() as u64;
        let mut changed = vec![("the section headers", headers, count * HEADER)];
        changed.extend(module.map(|s| ("struct module", s.offset, s.size)));
        let is_read = |s: &Section<'_>| {
            let read = s.kind == elf::SHT_RELA || s.name == Modinfo::SECTION;
            let is_changed = s.name == THIS_MODULE || s.is_nobits() || s.size == 0;
            (read || self.loaded.has_memory(s)) && !is_changed
        };
        for section in self.elf.sections().filter(is_read) {
            let end = section.offset.saturating_add(section.size);
            for (what, start, size) in &changed {
                if section.offset < start.saturating_add(*size) && *start < end {
                    let what =
                        format!("it overlaps {what} in the file, which the loader writes to");
                    let outcome = Outcome::Refused(Refusal::Harmful(what));
                    report.add(Kind::Section, "", shown(section.name), outcome);
                }
            }
        }
    }

    /// Reports a section without contents that the loader copies.
    ///
    /// `elf_validity_cache_sechdrs()` does not require contents for the type `SHT_NULL`, but `move_module()` copies all
    /// types except `SHT_NOBITS`.
    fn check_contents(&self, section: &Section<'_>, report: &mut Report) {
        let outside = section.kind == elf::SHT_NULL
            && section.size > 0
            && self.elf.section_data(section).is_err();
        if outside {
            let what = "its type is SHT_NULL, and its contents are not in the file".to_owned();
            let outcome = Outcome::Refused(Refusal::Harmful(what));
            report.add(Kind::Section, "", shown(section.name), outcome);
        }
    }

    /// Returns the size of the module's memory, with the guard pages of `vmalloc()`. If the loader's sum
    /// overflows, reports that and returns nothing.
    fn memory(&self, report: &mut Report) -> Option<u64> {
        let mut blocks = [Block::default(); MEM_TYPES];
        let mut counted = true;
        let mut add = |kind: MemType, section: &Section<'_>, size, report: &mut Report| {
            let Err(wrong) = blocks[kind as usize].add(section.align, size) else {
                return;
            };
            counted = false;
            let what = match wrong {
                Wrong::Overlaps => format!(
                    "alignment {:#x}: the loader counts in 32 bits, and puts the section over the sections \
                    before it",
                    section.align
                ),
                Wrong::TooLong => format!(
                    "size {:#x} with alignment {:#x}: the loader counts in 32 bits and reserves less",
                    section.size, section.align
                ),
            };
            let outcome = Outcome::Refused(Refusal::Harmful(what));
            report.add(Kind::Section, "", shown(section.name), outcome);
        };
        let sections = self.elf.sections().filter(Section::is_alloc);
        for section in sections.filter(|s| self.loaded.has_memory(s)) {
            add(self.mem_type(&section), &section, section.size, report);
        }
        let symtab = self.elf.symtab_section();
        let symtab = symtab.and_then(|id| self.elf.get_section(id))?;
        let strtab = self
            .elf
            .section(crate::elf::SectionId(symtab.link as usize));
        let strtab = strtab.ok()?;
        // The copy for kallsyms has a letter for each symbol, and the names of the symbols only.
        let count = symtab.size / SYMBOL;
        let names: u64 = self.elf.symbols().map(|s| s.name.len() as u64 + 1).sum();
        add(MemType::InitData, &symtab, symtab.size, report);
        add(MemType::Data, &symtab, count * (SYMBOL + 1) + names, report);
        add(MemType::InitData, &strtab, strtab.size + count, report);
        let blocks = blocks.iter().filter(|block| block.size > 0);
        let pages = blocks.map(|block| u64::from(block.size).next_multiple_of(PAGE) + PAGE);
        counted.then(|| pages.sum())
    }

    /// Returns the kind of memory for a section: `__layout_sections()`.
    fn mem_type(&self, section: &Section<'_>) -> MemType {
        let init = section.name.starts_with(b".init");
        match (section.is_code(), section.is_writable()) {
            (true, _) if init => MemType::InitText,
            (true, _) => MemType::Text,
            (false, false) if init => MemType::InitRodata,
            (false, false) => MemType::Rodata,
            (false, true) if init => MemType::InitData,
            (false, true) if self.loaded.is_ro_after_init(section) => MemType::RoAfterInit,
            (false, true) => MemType::Data,
        }
    }

    /// Reports per-cpu variables that `percpu_modalloc()` may refuse.
    pub(in crate::check) fn check_per_cpu(&self, report: &mut Report) {
        let section = self
            .loaded
            .per_cpu()
            .and_then(|id| self.elf.get_section(id));
        let Some(section) = section.filter(|s| s.size > 0) else {
            return;
        };
        // pcpu_alloc()
        let align = section.align.clamp(PER_CPU_ALIGN, PAGE);
        if !align.is_power_of_two() || section.size > PER_CPU_MOST {
            let refusal = Refusal::Loader(format!(
                "{}: Could not allocate {} bytes percpu data",
                self.module, section.size
            ));
            self.refuse_module(refusal, report);
        } else if section.size > PER_CPU_RESERVE {
            let what = format!(
                "{} bytes of per-cpu variables: the given files do not tell whether the machine has \
                that much per-cpu memory",
                section.size
            );
            let outcome = Outcome::Unchecked(what);
            report.add(Kind::Module, "", self.module.clone(), outcome);
        }
    }
}
