// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The places in code that the kernel rewrites: `module_finalize()` in arch/x86/kernel/module.c.
//!
//! objtool lists these places in sections of [`distances`](super::distances). The kernel reads such a
//! section to its end, and rewrites the code at each place.

use super::distances::{entries, table, Distances, ENTRY};
use super::types::SITES;
use crate::check::refusal::Refusal;
use crate::check::report::{Kind, Outcome, Report};
use crate::check::subject::Subject;
use crate::elf::Section;
use crate::livepatch::memory::Location;
use crate::printable::shown;
use object::elf;
use object::read::ReadRef;

/// The lengths of entries of `.orc_unwind_ip` and of `.orc_unwind` (`struct orc_entry`).
const ORC_IP: u64 = 4;
const ORC: u64 = 6;

/// The sections of distances, each with the code that the kernel expects at the places.
const TABLES: [(&[u8], Code); 5] = [
    (SITES, Code::Type),
    (b".retpoline_sites", Code::Branch),
    (b".return_sites", Code::Return),
    (b".call_sites", Code::Any),
    (b".ibt_endbr_seal", Code::Any),
];

/// Opcodes of x86.
const CALL: u8 = 0xe8;
const JMP: u8 = 0xe9;
const ESCAPE: u8 = 0x0f;
const CS_PREFIX: u8 = 0x2e;

/// The function to which each return jumps: `__x86_return_thunk`.
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

impl<'d, R: ReadRef<'d>> Subject<'_, 'd, R> {
    /// Reports sections that list a place with other code than the kernel expects. The kernel would rewrite
    /// that code, or warn and leave all later places unchanged.
    pub(in crate::check) fn check_sites(&self, report: &mut Report) {
        if self.elf.machine() != elf::EM_X86_64 {
            return;
        }
        let names = TABLES.map(|(name, _)| name);
        let relocations = Distances::new(&self.rela, |target| {
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
                Some("the kernel reads the section, but it is not loaded".to_owned())
            };
            if let Some(what) = what {
                let outcome = Outcome::Refused(Refusal::Harmful(what));
                report.add(Kind::Section, "", shown(name), outcome);
            }
        }
        self.check_orc(report);
    }

    /// Returns the fault of an entry, if it has one.
    fn wrong_site(
        &self,
        at: Location,
        section: &Section<'d>,
        expected: Code,
        relocations: &Distances,
    ) -> Option<String> {
        let entry = at.offset / ENTRY;
        if section.size - at.offset < ENTRY {
            return Some(format!("the section ends within entry {entry}"));
        }
        let place = relocations.target(self.elf, at);
        let place = place.and_then(|place| Some((place, self.elf.get_section(place.section)?)));
        let Some((place, code)) = place else {
            return Some(format!(
                "entry {entry} does not point to a place in the module"
            ));
        };
        (!self.has_code(expected, place, &code, relocations)).then(|| {
            format!(
                "entry {entry} points to offset {:#x} of {}, where the kernel expects {}",
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
        relocations: &Distances,
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
            // decode_preamble_hash() checks the first byte. A type of 0 means that there is no type.
            (Code::Type, _) => match bytes {
                [opcode, kind @ ..] if self.release.type_opcodes.contains(opcode) => {
                    kind.get(..4).is_some_and(|kind| kind != [0; 4])
                }
                _ => false,
            },
            // A conditional jump of two bytes is only in memory: apply_fineibt() of 7.3 makes it of a call. In a file,
            // apply_retpolines() warns of it.
            (Code::Branch, [CALL | JMP, ..] | [ESCAPE, 0x80..=0x8f, ..]) => true,
            (Code::Return, [JMP, ..]) => {
                let thunk = relocations.symbol(place.plus(prefixes as u64 + 1));
                let thunk = thunk.and_then(|symbol| self.elf.get_symbol(symbol));
                thunk.is_some_and(|thunk| thunk.name == RETURN_THUNK)
            }
            _ => false,
        }
    }

    /// Reports tables of the ORC unwinder with different numbers of entries: `unwind_module_init()`.
    fn check_orc(&self, report: &mut Report) {
        let size = |name| table(self.elf, name).map(|section: Section<'_>| section.size);
        let (Some(places), Some(entries)) = (size(b".orc_unwind_ip"), size(b".orc_unwind")) else {
            return;
        };
        if places % ORC_IP != 0 || entries % ORC != 0 || places / ORC_IP != entries / ORC {
            let what = format!(
                "its size, {entries:#x} bytes, does not match the {places:#x} bytes of .orc_unwind_ip"
            );
            let outcome = Outcome::Refused(Refusal::Harmful(what));
            report.add(Kind::Section, "", ".orc_unwind", outcome);
        }
    }
}
