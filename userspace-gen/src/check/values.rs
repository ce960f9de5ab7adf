// SPDX-License-Identifier: GPL-2.0 OR MIT

//! What a relocation writes, and where: `__write_relocate_add()` in arch/x86/kernel/module.c.
//! Other architectures have other relocations; of theirs nothing is said.

use super::imports::Exporter;
use super::layout::{is_loaded, PER_CPU};
use super::refusal::Refusal;
use super::Subject;
use crate::elf::{Place, SectionId, Symbol};
use crate::livepatch::rela::Relocation;
use crate::livepatch::RelaSection;
use crate::shown::shown;
use object::elf;
use object::read::ReadRef;
use std::collections::BTreeMap;

/// Where modules and the kernel image are: the upper 2 GiB, whatever was randomized.
const UPPER: u64 = 0xffff_ffff_8000_0000;

/// What is known of the value of a symbol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// It is this.
    Number(u64),
    /// What vmlinux was linked for; the kernel may be elsewhere.
    Linked(u64),
    /// An address in a module.
    Module,
    /// An address in the copy of the file that the loader reads, and frees in the end.
    Copy,
    /// Nothing.
    Unknown,
}

/// The places that relocations have written to: where they begin, and how long they are.
#[derive(Debug, Default)]
pub(super) struct Places(BTreeMap<(SectionId, u64), u64>);

impl Places {
    /// Adds one; false if a relocation was there before.
    fn add(&mut self, section: SectionId, offset: u64, size: u64) -> bool {
        let mut before = self.0.range(..(section, offset.saturating_add(size)));
        let free = before
            .next_back()
            .is_none_or(|(&(other, start), &len)| other != section || start + len <= offset);
        if free {
            self.0.insert((section, offset), size);
        }
        free
    }
}

impl<'d, R: ReadRef<'d>> Subject<'_, 'd, R> {
    /// What the loader has for a symbol: `simplify_symbols()`.
    pub(super) fn value_of(&self, symbol: &Symbol<'d>) -> Value {
        match symbol.place {
            Place::Absolute => Value::Number(symbol.value),
            Place::Section(id) => match self.elf.get_section(id) {
                // Of that, the loader makes an offset.
                Some(section) if section.name == PER_CPU => Value::Unknown,
                // rewrite_section_headers()
                Some(section) if is_loaded(&section) => Value::Module,
                Some(_) => Value::Copy,
                None => Value::Unknown,
            },
            Place::Undefined => match self.exporter(symbol.name) {
                Exporter::Found { export, .. } => {
                    export.address.map_or(Value::Unknown, Value::Linked)
                }
                _ => Value::Unknown,
            },
            _ => Value::Unknown,
        }
    }

    /// Why a relocation is not applied.
    pub(super) fn check_value(
        &self,
        rela: &RelaSection<'d>,
        relocation: &Relocation,
        value: Value,
        places: &mut Places,
    ) -> Option<Refusal> {
        if self.elf.machine() != elf::EM_X86_64 {
            return None;
        }
        let kind = relocation.kind;
        let size = match elf::RelocationType(kind) {
            elf::R_X86_64_NONE => return None,
            elf::R_X86_64_64 | elf::R_X86_64_PC64 => 8,
            elf::R_X86_64_32 | elf::R_X86_64_32S | elf::R_X86_64_PC32 | elf::R_X86_64_PLT32 => 4,
            _ => {
                return Some(Refusal::RelocationType {
                    module: self.module.clone(),
                    kind,
                })
            }
        };
        let offset = relocation.offset;
        let end = offset.checked_add(size);
        if end.is_none_or(|end| end > rela.target.size) {
            return Some(Refusal::Harmful(format!(
                "it changes {size} bytes at offset {offset:#x} of {}, which has {:#x}",
                shown(rela.target.name),
                rela.target.size
            )));
        }
        if let Some(refusal) = overflow(kind, relocation.addend, value) {
            return Some(refusal);
        }
        if value == Value::Copy {
            let what = "it leads to a section that is not loaded";
            return Some(Refusal::Harmful(what.to_owned()));
        }
        let start = usize::try_from(offset).ok()?;
        let data = self.elf.section_data(&rela.target).ok()?;
        let there = data.get(start..).unwrap_or_default();
        let there = there.get(..usize::try_from(size).ok()?).unwrap_or_default();
        let free = places.add(rela.target.id, offset, size);
        (!free || there.iter().any(|&b| b != 0)).then_some(Refusal::RelocationTarget { kind })
    }
}

/// Why a value does not fit. What is relative to its place is not looked at by the loader.
fn overflow(kind: u32, addend: i64, value: Value) -> Option<Refusal> {
    let (low, high, value) = match value {
        // KASLR moves an address within the upper 2 GiB; an offset it does not move.
        Value::Linked(value) if value >= UPPER => (UPPER, u64::MAX, Some(value)),
        Value::Number(value) | Value::Linked(value) => (value, value, Some(value)),
        Value::Module => (UPPER, u64::MAX, None),
        // It is vmalloc()ed, which is far from the upper 2 GiB: no addend of a compiler leads there.
        Value::Copy if i32::try_from(addend).is_ok() => (1 << 63, 1 << 63, None),
        Value::Copy | Value::Unknown => return None,
    };
    let fits = |value: u64| {
        let value = value.wrapping_add_signed(addend);
        match elf::RelocationType(kind) {
            elf::R_X86_64_32 => u32::try_from(value).is_ok(),
            elf::R_X86_64_32S => i32::try_from(0_i64.wrapping_add_unsigned(value)).is_ok(),
            _ => true,
        }
    };
    // If neither end of the range fits, nothing between them does: what fits is longer than it.
    (!fits(low) && !fits(high)).then_some(Refusal::Overflow {
        kind,
        value: value.map(|value| value.wrapping_add_signed(addend)),
    })
}
