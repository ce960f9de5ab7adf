// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The data of a module as its code will see it: the bytes of the file, with pointers at the places of
//! relocations.

use super::rela::{RelaSection, Relocation};
use super::Loaded;
use crate::elf::number::{read_u32, read_u64};
use crate::elf::{ElfFile, Place, Section, SectionId, SymbolId};
use crate::release::Release;
use klp_policy::{LivepatchSection, MODULE_NAME_LEN};
use memchr::memmem;
use object::elf;
use object::read::ReadRef;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// The section with a module's `struct module`.
pub const THIS_MODULE: &[u8] = b".gnu.linkonce.this_module";

/// The bytes of the name in a `struct module`: behind the state and the list.
pub const THIS_MODULE_NAME: Range<u64> = 24..24 + MODULE_NAME_LEN as u64;

/// The length of the longest relocation.
const LONGEST: u64 = 8;

/// A place in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Location {
    /// The section.
    pub section: SectionId,
    /// The offset in it.
    pub offset: u64,
}

impl Location {
    /// Returns the place that is so many bytes behind this place.
    #[must_use]
    pub fn plus(self, bytes: u64) -> Self {
        Self {
            offset: self.offset.wrapping_add(bytes),
            ..self
        }
    }
}

/// The target of a pointer in a module's data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pointer<'d> {
    /// NULL.
    Null,
    /// A place in the module.
    Local(Location),
    /// A symbol of another object, or a symbol that the livepatch core finds.
    External(&'d [u8]),
    /// An address.
    Absolute(u64),
    /// An unknown target: the pointer is written in parts, or is no pointer.
    Unknown,
}

/// The data of a module.
#[derive(Debug)]
pub struct Memory<'f, 'd, R: ReadRef<'d>> {
    elf: &'f ElfFile<'d, R>,
    loaded: Loaded,
    /// The relocations that the loader applies, by the place that they change.
    relocations: BTreeMap<Location, Relocation>,
    /// The end of each object that has a symbol, by its beginning.
    extents: BTreeMap<Location, u64>,
    /// The places to which the code that calls `klp_enable_patch()` refers.
    enabled: BTreeSet<Location>,
    /// The places of the calls of `klp_enable_patch()`.
    calls: BTreeSet<Location>,
}

impl<'f, 'd, R: ReadRef<'d>> Memory<'f, 'd, R> {
    /// Returns the data of `elf` after a kernel of `release` has applied `relocations`.
    #[must_use]
    pub fn new(
        elf: &'f ElfFile<'d, R>,
        relocations: &[RelaSection<'d>],
        release: &'static Release,
    ) -> Self {
        let loaded = Loaded::new(elf, release);
        let machine = elf.machine();
        let pointers = relocations
            .iter()
            .filter(|r| loaded.has_memory(&r.target) && !r.target.is_code())
            .filter(|r| is_applied_at_load(&r.section))
            .flat_map(|r| {
                let section = r.target.id;
                let writes = r.relocations().filter(move |r| !r.is_skipped(machine));
                writes.map(move |relocation| {
                    let offset = relocation.offset;
                    (Location { section, offset }, relocation)
                })
            });
        let mut extents = BTreeMap::new();
        for symbol in elf.symbols().filter(|s| s.size > 0) {
            if let (Some(section), offset) = (symbol.section(), symbol.value) {
                let end = extents.entry(Location { section, offset }).or_insert(0);
                *end = offset.saturating_add(symbol.size).max(*end);
            }
        }
        let calls = calls(elf, relocations);
        Self {
            elf,
            loaded,
            relocations: pointers.collect(),
            extents,
            enabled: enabled(elf, relocations, &calls),
            calls,
        }
    }

    /// Returns the code of a function up to its call of `klp_enable_patch()`, if there is one such call.
    pub(super) fn code_before_enabling(&self) -> Option<&'d [u8]> {
        let mut calls = self.calls.iter().copied();
        let call = calls.next().filter(|_| calls.next().is_none())?;
        let functions = self
            .elf
            .symbols()
            .filter(|symbol| symbol.kind == elf::STT_FUNC);
        let around = functions.filter(|function| {
            let end = function.value.saturating_add(function.size);
            function.section() == Some(call.section) && (function.value..end).contains(&call.offset)
        });
        let start = around.map(|function| function.value).max()?;
        let section = self.elf.get_section(call.section)?;
        let code = self.elf.section_data(&section).ok()?;
        code.get(usize::try_from(start).ok()?..usize::try_from(call.offset).ok()?)
    }

    /// Returns true if the module refers to a symbol of another object.
    pub(super) fn imports(&self, name: &[u8]) -> bool {
        self.elf.imports(name)
    }

    /// Returns true if a section is part of the module's memory.
    pub(super) fn is_loaded(&self, section: &Section<'_>) -> bool {
        self.loaded.has_memory(section)
    }

    /// Returns true if a place is part of the module's memory.
    pub(super) fn is_in_module(&self, at: Location) -> bool {
        let section = self.elf.get_section(at.section);
        section.is_some_and(|section| self.is_loaded(&section))
    }

    /// Returns true if data of the module contains a string, with its NUL. The names of symbols do not count: code has no
    /// pointers to them.
    pub(super) fn contains(&self, string: &[u8]) -> bool {
        let string = [string, b"\0"].concat();
        let mut data = self
            .elf
            .sections()
            .filter(|s| self.loaded.has_memory(s) && !self.loaded.is_table(s) && !s.is_code());
        data.any(|section| {
            let data = self.elf.section_data(&section).unwrap_or_default();
            memmem::find(data, &string).is_some()
        })
    }

    /// Returns the first section of that name.
    #[must_use]
    pub fn section(&self, name: &[u8]) -> Option<Section<'d>> {
        self.elf.section_by_name(name)
    }

    /// Returns the 64-bit number at a place. That is 0 in a section without bytes, and nothing if a
    /// relocation writes an address there.
    #[must_use]
    pub fn number(&self, at: Location) -> Option<u64> {
        let number = self.number_in_file(at)?;
        if !self.is_written(at, 8) {
            return Some(number);
        }
        match self.pointer(at)? {
            Pointer::Null => Some(0),
            Pointer::Absolute(number) => Some(number),
            _ => None,
        }
    }

    /// Returns the 32-bit number at a place. That is 0 in a section without bytes, and nothing if a
    /// relocation writes there.
    #[must_use]
    pub fn half(&self, at: Location) -> Option<u32> {
        let number = read_u32(self.elf.endian(), self.bytes(at, 4)?)?;
        (!self.is_written(at, 4)).then_some(number)
    }

    /// Returns the byte at a place. That is 0 in a section without bytes, and nothing if a relocation
    /// writes there.
    #[must_use]
    pub fn byte(&self, at: Location) -> Option<u8> {
        let byte = self.bytes(at, 1)?.first().copied()?;
        (!self.is_written(at, 1)).then_some(byte)
    }

    /// Returns true if a relocation writes to part of these bytes.
    #[must_use]
    pub fn is_written(&self, at: Location, len: u64) -> bool {
        let reach = at.offset.saturating_sub(LONGEST - 1)..at.offset.saturating_add(len);
        let place = |offset| Location { offset, ..at };
        let mut near = self
            .relocations
            .range(place(reach.start)..place(reach.end.max(reach.start)));
        near.any(|(place, relocation)| {
            place.offset.saturating_add(self.length(relocation)) > at.offset
        })
    }

    /// Returns the number of bytes that a relocation writes.
    fn length(&self, relocation: &Relocation) -> u64 {
        let is_x86 = self.elf.machine() == elf::EM_X86_64;
        match elf::RelocationType(relocation.kind) {
            elf::R_X86_64_32 | elf::R_X86_64_32S | elf::R_X86_64_PC32 | elf::R_X86_64_PLT32
                if is_x86 =>
            {
                4
            }
            _ => LONGEST,
        }
    }

    /// Returns true if `len` bytes are 0, and stay 0 while the module loads.
    pub(super) fn is_zero(&self, at: Location, len: u64) -> bool {
        let words = (0..len / 8).map(|i| at.plus(i * 8));
        let rest = (len / 8 * 8..len).map(|i| at.plus(i));
        !self.is_written(at, len)
            && words
                .map(|at| self.number_in_file(at))
                .all(|word| word == Some(0))
            && rest.map(|at| self.byte(at)).all(|byte| byte == Some(0))
    }

    /// Returns true if the module may write to a place as long as it is loaded, and the place does not
    /// belong to the loader.
    pub(super) fn is_own(&self, at: Location) -> bool {
        let section = self.elf.get_section(at.section);
        section.is_some_and(|s| {
            let is_read_only = !s.is_writable() || self.loaded.is_ro_after_init(&s);
            let is_loaders = s.name == THIS_MODULE || self.loaded.is_table(&s);
            self.loaded.has_memory(&s) && !is_read_only && !is_loaders && !is_init(&s)
        })
    }

    /// Returns true if a place is in a per-cpu variable. A pointer to such a place is an offset.
    pub(crate) fn is_per_cpu(&self, at: Location) -> bool {
        self.loaded.per_cpu() == Some(at.section)
    }

    /// Returns true if the kernel may change a place at any time: code, and the `struct module`.
    pub(super) fn is_kernels(&self, at: Location) -> bool {
        let section = self.elf.get_section(at.section);
        section.is_some_and(|s| s.is_code() || s.name == THIS_MODULE)
    }

    /// Returns true if the loader frees a place once the module has loaded.
    #[must_use]
    pub fn is_freed(&self, at: Location) -> bool {
        let section = self.elf.get_section(at.section);
        section.is_some_and(|s| is_init(&s) || self.loaded.is_table(&s))
    }

    fn number_in_file(&self, at: Location) -> Option<u64> {
        read_u64(self.elf.endian(), self.bytes(at, 8)?)
    }

    /// Returns up to 8 bytes at a place.
    fn bytes(&self, at: Location, len: u64) -> Option<&'d [u8]> {
        let section = self.elf.get_section(at.section)?;
        let end = at.offset.checked_add(len)?;
        if section.is_nobits() {
            return if end <= section.size {
                [0; 8].get(..usize::try_from(len).ok()?)
            } else {
                None
            };
        }
        let data = self.elf.section_data(&section).ok()?;
        data.get(usize::try_from(at.offset).ok()?..usize::try_from(end).ok()?)
    }

    /// Returns the pointer at a place.
    #[must_use]
    pub fn pointer(&self, at: Location) -> Option<Pointer<'d>> {
        let number = self.number_in_file(at)?;
        let absolute = |number| match number {
            0 => Pointer::Null,
            number => Pointer::Absolute(number),
        };
        let Some(relocation) = self.relocations.get(&at) else {
            // A part of a relocated pointer does not tell its target.
            return Some(if self.is_written(at, 8) {
                Pointer::Unknown
            } else {
                absolute(number)
            });
        };
        let symbol = self.elf.get_symbol(relocation.symbol)?;
        let kind = elf::RelocationType(relocation.kind);
        if self.elf.machine() == elf::EM_X86_64 && kind != elf::R_X86_64_64 {
            // Half of a pointer, or a distance.
            return Some(Pointer::Unknown);
        }
        let value = symbol.value.wrapping_add_signed(relocation.addend);
        Some(match symbol.place {
            // The loader has no value for the symbol.
            _ if symbol.id == SymbolId(0) => absolute(value),
            Place::Section(section) => Pointer::Local(Location {
                section,
                offset: value,
            }),
            Place::Undefined | Place::Livepatch => Pointer::External(symbol.name),
            _ => absolute(value),
        })
    }

    /// Returns the string at a place, without its NUL; nothing if a relocation writes into the string.
    #[must_use]
    pub fn string(&self, at: Location) -> Option<&'d [u8]> {
        let string = self.string_in_file(at)?;
        let section = self.elf.get_section(at.section)?;
        let changes = self.is_written(at, string.len() as u64 + 1);
        (!changes && section.name != THIS_MODULE).then_some(string)
    }

    /// Returns true if a relocation writes into the string at a place.
    #[must_use]
    pub fn is_written_string(&self, at: Location) -> bool {
        let string = self.string_in_file(at);
        string.is_some_and(|string| self.is_written(at, string.len() as u64 + 1))
    }

    fn string_in_file(&self, at: Location) -> Option<&'d [u8]> {
        let section = self.elf.get_section(at.section)?;
        let data = self.elf.section_data(&section).ok()?;
        let rest = data.get(usize::try_from(at.offset).ok()?..)?;
        rest.get(..rest.iter().position(|&b| b == 0)?)
    }

    /// Returns the places with a relocation in a part of a section.
    pub fn relocated(
        &self,
        section: SectionId,
        range: Range<u64>,
    ) -> impl Iterator<Item = u64> + use<'_, 'f, 'd, R> {
        let at = move |offset| Location { section, offset };
        // An empty range that is given backwards would make BTreeMap panic.
        let end = range.end.max(range.start);
        self.relocations
            .range(at(range.start)..at(end))
            .map(|(location, _)| location.offset)
    }

    /// Returns the places with a pointer to the `struct module` of the module itself.
    pub fn pointers_to_module(&self) -> impl Iterator<Item = Location> + use<'_, 'f, 'd, R> {
        let places = self.relocations.keys().copied();
        places.filter(|&at| self.pointer(at).is_some_and(|to| self.is_module(to)))
    }

    /// Returns true if a pointer leads to the `struct module` of the module itself.
    #[must_use]
    pub fn is_module(&self, to: Pointer<'_>) -> bool {
        let module = self.elf.section_by_name(THIS_MODULE).map(|s| s.id);
        matches!(to, Pointer::Local(to) if Some(to.section) == module && to.offset == 0)
    }

    /// Returns the argument of `klp_enable_patch()`, if the code that calls this function refers to exactly
    /// one place of the module's data.
    #[must_use]
    pub fn handed_over(&self) -> Option<Location> {
        let mut places = self.enabled.iter().copied();
        places.next().filter(|_| places.next().is_none())
    }

    /// Returns the number of bytes from a place to the end of its section.
    pub(super) fn room(&self, at: Location) -> Option<u64> {
        let section = self.elf.get_section(at.section)?;
        Some(section.size.saturating_sub(at.offset))
    }

    /// Returns the end of the object at a place, as an offset in its section, and true if that end is known.
    ///
    /// The end of the object is the end of the symbol that covers the place. Without such a symbol, the end
    /// of the object is not known, and the end of the section is returned.
    #[must_use]
    pub fn extent(&self, at: Location) -> Option<(u64, bool)> {
        let before = self.extents.range(..=at).next_back();
        let covering = before
            .filter(|(start, &end)| start.section == at.section && end > at.offset)
            .map(|(_, &end)| end);
        match covering {
            Some(end) => Some((end, true)),
            None => Some((self.elf.get_section(at.section)?.size, false)),
        }
    }
}

/// Returns true if a section's relocations are applied when the module loads. That is true of all
/// relocations except livepatch relocations for another module.
pub(crate) fn is_applied_at_load(section: &Section<'_>) -> bool {
    let of_module = || {
        let parsed = LivepatchSection::parse(section.name);
        parsed.is_ok_and(|parsed| !parsed.objname().is_vmlinux())
    };
    !section.is_livepatch_rela() || !of_module()
}

fn is_init(section: &Section<'_>) -> bool {
    section.name.starts_with(b".init")
}

/// Returns the places of the calls of `klp_enable_patch()`.
fn calls<'d, R: ReadRef<'d>>(
    elf: &ElfFile<'d, R>,
    relocations: &[RelaSection<'d>],
) -> BTreeSet<Location> {
    let calls = |r: &Relocation| elf.get_symbol(r.symbol).is_some_and(|s| s.name == ENABLE);
    let code = relocations.iter().filter(|rela| rela.target.is_code());
    let places = code.flat_map(|rela| {
        let section = rela.target.id;
        let calls = rela.relocations().filter(calls);
        calls.map(move |call| Location {
            section,
            offset: call.offset,
        })
    });
    places.collect()
}

/// The function to which a livepatch passes its `klp_patch`.
const ENABLE: &[u8] = b"klp_enable_patch";

/// Returns the places of data to which the sections of code with these `calls` refer.
fn enabled<'d, R: ReadRef<'d>>(
    elf: &ElfFile<'d, R>,
    relocations: &[RelaSection<'d>],
    calls: &BTreeSet<Location>,
) -> BTreeSet<Location> {
    let mut found = BTreeSet::new();
    if elf.machine() != elf::EM_X86_64 {
        return found;
    }
    let is_caller = |section| calls.iter().any(|call| call.section == section);
    for rela in relocations.iter().filter(|r| is_caller(r.target.id)) {
        for relocation in rela.relocations() {
            let before = match elf::RelocationType(relocation.kind) {
                elf::R_X86_64_64 | elf::R_X86_64_32 | elf::R_X86_64_32S => 0,
                // The addend includes the distance to the next instruction.
                elf::R_X86_64_PC32 => 4,
                _ => continue,
            };
            let Some(symbol) = elf.get_symbol(relocation.symbol) else {
                continue;
            };
            let section = symbol.section().and_then(|id| elf.get_section(id));
            if let Some(section) = section.filter(Section::is_writable) {
                let offset = symbol.value.wrapping_add_signed(relocation.addend);
                found.insert(Location {
                    section: section.id,
                    offset: offset.wrapping_add(before),
                });
            }
        }
    }
    found
}
