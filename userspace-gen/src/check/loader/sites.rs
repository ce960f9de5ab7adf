// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The places in code that the kernel rewrites: `module_finalize()` in arch/x86/kernel/module.c.
//!
//! objtool lists them in sections of 32-bit distances, each from its own place. The kernel reads as many
//! as the section is long, and rewrites the code to which each of them leads.

use crate::check::refusal::Refusal;
use crate::check::report::{Kind, Outcome, Report};
use crate::check::subject::Subject;
use crate::elf::{ElfFile, Section, SectionId, SymbolId};
use crate::livepatch::memory::{is_applied_at_load, Location};
use crate::livepatch::{Loaded, RelaSection};
use crate::shown::shown;
use crate::target::CallCheck;
use object::elf;
use object::read::ReadRef;
use std::collections::{BTreeMap, BTreeSet};

/// The length of a distance.
const ENTRY: u64 = 4;

/// The lengths of `.orc_unwind_ip`'s and `.orc_unwind`'s entries: `struct orc_entry`.
const ORC_IP: u64 = 4;
const ORC: u64 = 6;

/// The sections of distances, and the code that belongs at each place.
const TABLES: [(&[u8], Code); 5] = [
    (b".cfi_sites", Code::Type),
    (b".retpoline_sites", Code::Branch),
    (b".return_sites", Code::Return),
    (b".call_sites", Code::Any),
    (b".ibt_endbr_seal", Code::Any),
];

/// The opcodes of x86 that are told apart here.
const CALL: u8 = 0xe8;
const JMP: u8 = 0xe9;
const ESCAPE: u8 = 0x0f;
const MOV_EAX: u8 = 0xb8;
const CS_PREFIX: u8 = 0x2e;

/// The function that takes the place of each return: `__x86_return_thunk`.
const RETURN_THUNK: &[u8] = b"__x86_return_thunk";

/// The code at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Code {
    /// `decode_preamble_hash()`: the type of a function.
    Type,
    /// `apply_retpolines()`: a call or jump to a thunk.
    Branch,
    /// `apply_returns()`: a jump to the return thunk.
    Return,
    /// Any instruction.
    Any,
}

impl Code {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Type => "the type of a function",
            Self::Branch => "a call or a jump",
            Self::Return => "a jump to __x86_return_thunk",
            Self::Any => "code",
        }
    }
}

/// The distance from the type of a function to its code, with `CONFIG_FINEIBT`.
const LISTED: u64 = 16;

/// The longest distance without: `CONFIG_FUNCTION_PADDING_CFI`, and the `mov`.
const FARTHEST: u64 = 64 + 5;

/// The beginning of the names of types.
const TYPE_NAME: &[u8] = b"__cfi_";

/// The types of a module's functions, which the kernel compares where it calls one by a pointer.
#[derive(Debug)]
pub(in crate::check) struct Types {
    /// The places that `.cfi_sites` lists.
    listed: BTreeSet<Location>,
    /// The places that have the symbol of a type.
    named: BTreeSet<Location>,
}

impl Types {
    /// Finds the types of a module.
    pub(in crate::check) fn new<'d, R: ReadRef<'d>>(
        elf: &ElfFile<'d, R>,
        rela: &[RelaSection<'d>],
        loaded: &Loaded,
    ) -> Self {
        let (name, _) = TABLES[0];
        let sites = table(elf, name).filter(|s| loaded.has_memory(s));
        let relocations = Relocations::new(rela, |target| {
            sites.as_ref().is_some_and(|sites| sites.id == target.id)
        });
        let entries = sites.iter().flat_map(entries);
        let named = elf.symbols().filter(|s| s.name.starts_with(TYPE_NAME));
        Self {
            listed: entries
                .filter_map(|at| relocations.target(elf, at))
                .collect(),
            named: named
                .filter_map(|s| {
                    Some(Location {
                        section: s.section()?,
                        offset: s.value,
                    })
                })
                .collect(),
        }
    }

    /// Returns why the kernel cannot call a function by a pointer.
    pub(in crate::check) fn lacks(
        &self,
        check: CallCheck,
        function: Location,
    ) -> Option<&'static str> {
        let before = |distance| Location {
            offset: function.offset.wrapping_sub(distance),
            ..function
        };
        match check {
            CallCheck::ListedType => (!self.listed.contains(&before(LISTED))).then_some(
                "has no type that .cfi_sites lists, which this kernel's CFI asks for: build the \
                 livepatch with the configuration of this kernel",
            ),
            CallCheck::Type => {
                let farthest = FARTHEST.min(function.offset);
                let reach = before(farthest)..function;
                self.named.range(reach).next().is_none().then_some(
                    "has no type before it, which this kernel's CFI asks for: build the livepatch \
                     with the configuration of this kernel",
                )
            }
        }
    }
}

/// The relocations that write distances, and those of code.
struct Relocations(BTreeMap<Location, (SymbolId, i64)>);

impl Relocations {
    fn new<'d>(rela: &[RelaSection<'d>], is_wanted: impl Fn(&Section<'d>) -> bool) -> Self {
        let relative = [elf::R_X86_64_PC32.0, elf::R_X86_64_PLT32.0];
        let sections = rela
            .iter()
            .filter(|r| is_wanted(&r.target) && is_applied_at_load(&r.section));
        let entries = sections.flat_map(|r| {
            let relocations = r.relocations().filter(|r| relative.contains(&r.kind));
            relocations.map(|relocation| {
                let at = Location {
                    section: r.target.id,
                    offset: relocation.offset,
                };
                (at, (relocation.symbol, relocation.addend))
            })
        });
        Self(entries.collect())
    }

    /// Returns the symbol to which the distance at `at` leads.
    fn symbol(&self, at: Location) -> Option<SymbolId> {
        self.0.get(&at).map(|&(symbol, _)| symbol)
    }

    /// Returns the place to which the distance at `at` leads.
    fn target<'d, R: ReadRef<'d>>(&self, elf: &ElfFile<'d, R>, at: Location) -> Option<Location> {
        let &(symbol, addend) = self.0.get(&at)?;
        let symbol = elf.get_symbol(symbol)?;
        Some(Location {
            section: symbol.section()?,
            offset: symbol.value.wrapping_add_signed(addend),
        })
    }
}

/// Returns the section that `module_finalize()` finds: the last of that name, whatever its flags.
fn table<'d, R: ReadRef<'d>>(elf: &ElfFile<'d, R>, name: &[u8]) -> Option<Section<'d>> {
    let null = elf.get_section(SectionId(0));
    let sections = null.into_iter().chain(elf.sections());
    sections.filter(|s| s.name == name).last()
}

/// Returns the places of the distances of a section.
fn entries(section: &Section<'_>) -> impl Iterator<Item = Location> {
    let id = section.id;
    // A distance that the section ends in is read as a whole.
    (0..section.size.div_ceil(ENTRY)).map(move |i| Location {
        section: id,
        offset: i * ENTRY,
    })
}

impl<'d, R: ReadRef<'d>> Subject<'_, 'd, R> {
    /// Reports the sections of places that lead to other code than the kernel expects there. It then rewrites
    /// that code, or warns and leaves the rest as it is.
    pub(in crate::check) fn check_sites(&self, report: &mut Report) {
        if self.elf.machine() != elf::EM_X86_64 {
            return;
        }
        let names = TABLES.map(|(name, _)| name);
        let relocations = Relocations::new(&self.rela, |target| {
            target.is_code() || names.contains(&target.name)
        });
        for (name, code) in TABLES {
            let Some(section) = table(self.elf, name).filter(|s| s.size > 0) else {
                continue;
            };
            let what = if self.loaded.has_memory(&section) {
                let mut entries = entries(&section);
                entries.find_map(|at| self.wrong_site(at, &section, code, &relocations))
            } else {
                Some("the kernel reads it, but it is not loaded".to_owned())
            };
            if let Some(what) = what {
                let outcome = Outcome::Refused(Refusal::Harmful(what));
                report.add(Kind::Section, "", shown(name), outcome);
            }
        }
        self.check_orc(report);
    }

    /// Returns why an entry is wrong.
    fn wrong_site(
        &self,
        at: Location,
        section: &Section<'d>,
        expected: Code,
        relocations: &Relocations,
    ) -> Option<String> {
        let entry = at.offset / ENTRY;
        if section.size - at.offset < ENTRY {
            return Some(format!("it ends within entry {entry}"));
        }
        let place = relocations.target(self.elf, at);
        let place = place.and_then(|place| Some((place, self.elf.get_section(place.section)?)));
        let Some((place, code)) = place else {
            return Some(format!("entry {entry} leads to no place of the module"));
        };
        (!self.has_code(expected, place, &code, relocations)).then(|| {
            format!(
                "entry {entry} leads to offset {:#x} of {}, where the kernel expects {}",
                place.offset,
                shown(code.name),
                expected.as_str()
            )
        })
    }

    /// Returns true if the code at a place is what the kernel expects there.
    fn has_code(
        &self,
        expected: Code,
        place: Location,
        section: &Section<'d>,
        relocations: &Relocations,
    ) -> bool {
        if !section.is_code() || !self.loaded.has_memory(section) || section.is_nobits() {
            return false;
        }
        let data = self.elf.section_data(section).unwrap_or_default();
        let start = usize::try_from(place.offset).ok();
        let bytes = start
            .and_then(|start| data.get(start..))
            .unwrap_or_default();
        let prefixes = bytes.iter().take_while(|&&byte| byte == CS_PREFIX).count();
        match (expected, &bytes[prefixes..]) {
            (Code::Any, rest) => !rest.is_empty(),
            // decode_preamble_hash() looks at the first byte, and takes 0 for no type.
            (Code::Type, _) => match bytes {
                [MOV_EAX, kind @ ..] => kind.get(..4).is_some_and(|kind| kind != [0; 4]),
                _ => false,
            },
            (Code::Branch, rest) => {
                matches!(rest, [CALL | JMP, ..] | [ESCAPE, 0x80..=0x8f, ..])
            }
            (Code::Return, [JMP, ..]) => {
                let thunk = relocations.symbol(place.plus(prefixes as u64 + 1));
                let thunk = thunk.and_then(|symbol| self.elf.get_symbol(symbol));
                thunk.is_some_and(|thunk| thunk.name == RETURN_THUNK)
            }
            _ => false,
        }
    }

    /// Reports tables of the unwinder that do not belong together: `unwind_module_init()` of
    /// the ORC unwinder.
    fn check_orc(&self, report: &mut Report) {
        let size = |name| table(self.elf, name).map(|section: Section<'_>| section.size);
        let (Some(places), Some(entries)) = (size(b".orc_unwind_ip"), size(b".orc_unwind")) else {
            return;
        };
        if places % ORC_IP != 0 || entries % ORC != 0 || places / ORC_IP != entries / ORC {
            let what = format!(
                "{entries:#x} bytes do not belong to the {places:#x} bytes of .orc_unwind_ip"
            );
            let outcome = Outcome::Refused(Refusal::Harmful(what));
            report.add(Kind::Section, "", ".orc_unwind", outcome);
        }
    }
}
