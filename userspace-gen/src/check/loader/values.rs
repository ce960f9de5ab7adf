// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The values that relocations write, and the places to which they are written: `__write_relocate_add()` in
//! arch/x86/kernel/module.c. Relocations of other architectures are not checked.

use super::imports::Exporter;
use crate::check::refusal::{Refusal, RelocationPlace};
use crate::check::subject::Subject;
use crate::elf::{Place, SectionId, Symbol, SymbolId};
use crate::livepatch::memory::{is_applied_at_load, Location};
use crate::livepatch::rela::Relocation;
use crate::livepatch::{RelaSection, THIS_MODULE, THIS_MODULE_NAME};
use crate::printable::shown;
use object::elf;
use object::read::ReadRef;
use std::collections::BTreeMap;

/// The lowest address of modules and of the kernel image: both are in the upper 2 GiB, also with KASLR.
const UPPER: u64 = 0xffff_ffff_8000_0000;

/// The free space at the end of the upper 2 GiB: behind `MODULES_END`.
const FREE: i64 = 16 << 20;

/// The value of a symbol, as far as it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::check) enum Value {
    /// A known value.
    Number(u64),
    /// The address that vmlinux was linked for; the kernel may run elsewhere.
    Linked(u64),
    /// An address in a module.
    Module,
    /// An address in the loader's copy of the file, which the loader frees in the end.
    Copy,
    /// An unknown value.
    Unknown,
}

/// A byte of the module's memory, as far as it is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Byte {
    #[default]
    Zero,
    Nonzero,
    Unknown,
}

/// The length of the longest relocation.
const LONGEST: usize = 8;

/// The bytes that relocations have written, by the section and offset of the first byte.
#[derive(Debug, Default)]
pub(in crate::check) struct WrittenBytes(BTreeMap<(SectionId, u64), [Byte; LONGEST]>);

impl WrittenBytes {
    /// Puts the written bytes into `there`, the bytes of the file at a place.
    fn read(&self, section: SectionId, offset: u64, there: &mut [Byte]) {
        let before = LONGEST as u64 - 1;
        let reach = offset.saturating_sub(before)..offset.saturating_add(there.len() as u64);
        let others = self.0.range((section, reach.start)..(section, reach.end));
        for (&(_, start), bytes) in others {
            for (at, &byte) in (start..).zip(bytes).filter(|(_, &b)| b != Byte::Zero) {
                let index = at.checked_sub(offset).and_then(|i| usize::try_from(i).ok());
                if let Some(there) = index.and_then(|index| there.get_mut(index)) {
                    *there = byte;
                }
            }
        }
    }

    /// Adds the bytes that a relocation writes to a place with zeros only.
    fn write(&mut self, section: SectionId, offset: u64, written: [Byte; LONGEST]) {
        if written.iter().all(|&byte| byte == Byte::Zero) {
            return;
        }
        let there = self.0.entry((section, offset)).or_default();
        for (there, byte) in there.iter_mut().zip(written) {
            if byte != Byte::Zero {
                *there = byte;
            }
        }
    }
}

impl<'d, R: ReadRef<'d>> Subject<'_, 'd, R> {
    /// Returns the value that the loader gives a symbol: `simplify_symbols()`.
    pub(in crate::check) fn value_of(&self, symbol: &Symbol<'d>) -> Value {
        match symbol.place {
            // simplify_symbols() skips the null symbol.
            _ if symbol.id == SymbolId(0) => Value::Number(symbol.value),
            Place::Absolute => Value::Number(symbol.value),
            Place::Section(id) => match self.elf.get_section(id) {
                // The loader makes an offset of the address of a per-cpu variable.
                Some(section) if self.loaded.is_per_cpu(&section) => Value::Unknown,
                // rewrite_section_headers()
                Some(section) if self.loaded.has_memory(&section) => Value::Module,
                Some(_) => Value::Copy,
                None => Value::Unknown,
            },
            Place::Undefined => match self.exporter(symbol.name) {
                Exporter::Found { export, .. } => {
                    export.address.map_or(Value::Unknown, Value::Linked)
                }
                Exporter::None(_) if symbol.is_weak() => Value::Number(symbol.value),
                _ => Value::Unknown,
            },
            _ => Value::Unknown,
        }
    }

    /// Returns the reason for which a relocation is not applied, if there is one.
    pub(in crate::check) fn check_value(
        &self,
        rela: &RelaSection<'d>,
        relocation: &Relocation,
        value: Value,
        written: &mut WrittenBytes,
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
                "it changes {size} bytes at offset {offset:#x} of {}, but the section has {:#x} bytes",
                shown(rela.target.name),
                rela.target.size
            )));
        }
        let at = self.told_place(rela.section.id, relocation);
        if let Some(refusal) = overflow(kind, relocation.addend, value, at) {
            return Some(refusal);
        }
        if value == Value::Copy {
            let what = "it refers to a section that is not loaded";
            return Some(Refusal::Harmful(what.to_owned()));
        }
        if self.loaded.is_per_cpu(&rela.target) && is_relative(kind) {
            // apply_relocations() runs before post_relocation(), which copies the variables.
            let what = "it is a distance from a per-cpu variable, and the loader has not given that its place yet";
            return Some(Refusal::Harmful(what.to_owned()));
        }
        if let Some(what) = self.protected(rela, offset, size) {
            return Some(Refusal::Harmful(what));
        }
        let there = self.bytes_at(rela, offset, size, written)?;
        if there.contains(&Byte::Nonzero) {
            return Some(Refusal::RelocationTarget { kind, at });
        }
        if there.contains(&Byte::Unknown) {
            let what = "another relocation writes to the same place";
            return Some(Refusal::Harmful(what.to_owned()));
        }
        let bytes = bytes_of(kind, relocation.addend, value);
        written.write(rela.target.id, offset, bytes);
        None
    }

    /// Returns the place of a relocation, if the kernel's messages tell it; `section` is the section of which they tell.
    pub(in crate::check) fn told_place(
        &self,
        section: SectionId,
        relocation: &Relocation,
    ) -> Option<RelocationPlace> {
        let place = RelocationPlace {
            section: section.0,
            index: relocation.index,
        };
        self.release.messages_tell_place.then_some(place)
    }

    /// Returns the bytes at a place before a relocation is applied.
    fn bytes_at(
        &self,
        rela: &RelaSection<'d>,
        offset: u64,
        size: u64,
        written: &WrittenBytes,
    ) -> Option<Vec<Byte>> {
        let start = usize::try_from(offset).ok()?;
        let mut there = vec![Byte::Zero; usize::try_from(size).ok()?];
        let data = self.elf.section_data(&rela.target).ok()?;
        let data = data.get(start..).unwrap_or_default();
        for (there, _) in there.iter_mut().zip(data).filter(|(_, &b)| b != 0) {
            *there = Byte::Nonzero;
        }
        written.read(rela.target.id, offset, &mut there);
        Some(there)
    }

    /// Returns the reason for which a relocation must not change a place, although the loader allows it.
    fn protected(&self, rela: &RelaSection<'d>, offset: u64, size: u64) -> Option<String> {
        if self.loaded.is_table(&rela.target) {
            let name = shown(rela.target.name);
            return Some(format!("it changes {name}, which has the module's symbols"));
        }
        if !is_applied_at_load(&rela.section) {
            if rela.target.name == THIS_MODULE {
                let what = "it changes the struct module, which the kernel has filled in before";
                return Some(what.to_owned());
            }
            let at = Location {
                section: rela.target.id,
                offset,
            };
            if self.patches.iter().any(|patch| patch.is_kernels(at, size)) {
                let what =
                    "it changes the kernel's own members of a klp_patch, klp_object or klp_func";
                return Some(what.to_owned());
            }
        }
        let name = THIS_MODULE_NAME;
        let in_name = offset < name.end && offset + size > name.start;
        (rela.target.name == THIS_MODULE && in_name)
            .then(|| "it changes the name of the module".to_owned())
    }
}

/// Returns true if a relocation writes the distance from its own place.
fn is_relative(kind: u32) -> bool {
    let kinds = [elf::R_X86_64_PC32, elf::R_X86_64_PC64, elf::R_X86_64_PLT32];
    kinds.contains(&elf::RelocationType(kind))
}

/// Returns the bytes that a relocation writes.
fn bytes_of(kind: u32, addend: i64, value: Value) -> [Byte; LONGEST] {
    let mut bytes = [Byte::Zero; LONGEST];
    let relative = is_relative(kind);
    let size = match elf::RelocationType(kind) {
        elf::R_X86_64_64 | elf::R_X86_64_PC64 => 8,
        _ => 4,
    };
    let bytes_written = &mut bytes[..size];
    match value {
        Value::Number(value) if !relative => {
            let value = value.wrapping_add_signed(addend).to_le_bytes();
            for (byte, _) in bytes_written.iter_mut().zip(value).filter(|(_, b)| *b != 0) {
                *byte = Byte::Nonzero;
            }
        }
        _ => {
            bytes_written.fill(Byte::Unknown);
            let upper = match value {
                Value::Module => true,
                Value::Linked(value) => value >= UPPER,
                _ => false,
            };
            // The sum stays in the upper 2 GiB if the addend is smaller than the free space at their end.
            if upper && !relative && (-FREE..FREE).contains(&addend) {
                bytes_written[3..].fill(Byte::Nonzero);
            }
        }
    }
    bytes
}

/// Returns the refusal of a value that does not fit. The loader does not check values that are relative to
/// their place.
fn overflow(kind: u32, addend: i64, value: Value, at: Option<RelocationPlace>) -> Option<Refusal> {
    let (low, high, value) = match value {
        // KASLR moves an address within the upper 2 GiB, but not an offset.
        Value::Linked(value) if value >= UPPER => (UPPER, u64::MAX, Some(value)),
        Value::Number(value) | Value::Linked(value) => (value, value, Some(value)),
        Value::Module => (UPPER, u64::MAX, None),
        // The copy is in vmalloc() memory, far from the upper 2 GiB: no addend of a compiler gets there.
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
    // If neither end of the range fits, no value in between does: the range of values that fit is longer.
    (!fits(low) && !fits(high)).then_some(Refusal::Overflow {
        kind,
        value: value.map(|value| value.wrapping_add_signed(addend)),
        at,
    })
}
