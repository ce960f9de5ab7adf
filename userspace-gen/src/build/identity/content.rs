// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The proof that a file as compiled here is the same as in the kernel: equal bytes, and equal targets of
//! relocations.

use super::{Image, Located};
use crate::build::code::references::{is_relative, width};
use crate::build::code::{Code, PieceId, Reference, ReferenceTarget};
use crate::build::{BuildRefusal, RefusalKind};
use crate::elf::{Place, SectionId, SymbolId};
use crate::livepatch::rela::{rela_sections, Relocation};
use object::read::ReadRef;
use std::collections::HashMap;
use std::path::Path;

/// A target in the file with relocations: a section and an offset, or a symbol that the file does not define.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Where<'d> {
    At(SectionId, u64),
    Undefined(&'d [u8], i64),
    Number(u64),
}

/// The instruction that objtool writes over `call __fentry__` (`--mnop`): `nopl 0(%rax,%rax,1)`.
const NOP5: [u8; 5] = [0x0f, 0x1f, 0x44, 0, 0];

/// The two bytes that objtool writes over a short jump of a jump label.
const NOP2: [u8; 2] = [0x66, 0x90];

/// The comparison of files with the object into which they were linked.
#[derive(Debug)]
pub struct Proof<'i, 'd, R: ReadRef<'d>> {
    image: &'i Image<'i, 'd, R>,
    relocations: HashMap<SectionId, Vec<Relocation>>,
}

impl<'i, 'd, R: ReadRef<'d>> Proof<'i, 'd, R> {
    /// Prepares the comparison.
    ///
    /// # Errors
    ///
    /// The relocations of the object are malformed.
    pub fn new(image: &'i Image<'i, 'd, R>, located: &[&Located]) -> crate::error::Result<Self> {
        let file = image.relocatable;
        let symbols = located
            .iter()
            .flat_map(|located| located.relocatable.values());
        let sections = symbols.filter_map(|&id| file.get_symbol(id)?.section());
        let mut relocations: HashMap<_, Vec<_>> = sections.map(|id| (id, Vec::new())).collect();
        for section in rela_sections(file)? {
            if let Some(of_section) = relocations.get_mut(&section.target.id) {
                of_section.extend(section.relocations());
            }
        }
        for of_section in relocations.values_mut() {
            of_section.sort_by_key(|r| r.offset);
        }
        Ok(Self { image, relocations })
    }

    /// Proves that the functions and variables of a file are those in the kernel.
    ///
    /// # Errors
    ///
    /// A function or variable differs.
    pub fn check(
        &self,
        member: &Path,
        code: &Code<'_>,
        located: &Located,
    ) -> Result<(), Vec<BuildRefusal>> {
        let mut refusals = Vec::new();
        for (id, piece) in code.numbered() {
            let section = code.section(piece.section);
            if piece.name.is_none() || section.name.starts_with(b".discard") {
                continue;
            }
            let found = located.relocatable.get(&id);
            let differs = match found {
                Some(&symbol) => self.differs(code, located, id, symbol),
                None => Some("is missing in the kernel".to_owned()),
            };
            if let Some(what) = differs {
                refusals.push(BuildRefusal {
                    kind: RefusalKind::OtherBuild,
                    subject: code.name(id),
                    reason: format!(
                        "{} as compiled here {what}, compared with {}: source, compiler or options are not those of \
                        the running kernel (give the source and the build directory of that kernel)",
                        member.display(),
                        self.image.relocatable.origin(),
                    ),
                });
            }
        }
        if refusals.is_empty() {
            Ok(())
        } else {
            Err(refusals)
        }
    }

    /// Returns the difference between a piece and the kernel, if there is one.
    fn differs(
        &self,
        code: &Code<'_>,
        located: &Located,
        id: PieceId,
        symbol: SymbolId,
    ) -> Option<String> {
        let file = self.image.relocatable;
        let piece = code.piece(id);
        let symbol = file.get_symbol(symbol)?;
        let Place::Section(section) = symbol.place else {
            return Some("has no place".to_owned());
        };
        let before = piece.entry - piece.start;
        let Some(start) = symbol.value.checked_sub(before) else {
            return Some("begins at another place".to_owned());
        };
        let end = start + (piece.end - piece.start);
        let expected = code.bytes(piece.section, piece.start, piece.end);
        let there = file.get_section(section);
        let there = there
            .and_then(|s| file.section_data(&s).ok())
            .unwrap_or_default();
        let range = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX);
        let found = there.get(range(start)..range(end)).unwrap_or_default();
        if expected.is_empty() || found.is_empty() {
            let is_empty = expected.is_empty() && found.is_empty();
            return (!is_empty && expected.iter().chain(found).any(|&b| b != 0))
                .then(|| "has contents on one side only".to_owned());
        }
        let mut expected = expected.to_vec();
        let mut found = found.to_vec();
        let references = code.references(piece.section, piece.start, piece.end);
        let relocations = self.relocations.get(&section).map_or(&[][..], |all| all);
        let relocations = relocations
            .iter()
            .filter(|r| (start..end).contains(&r.offset));
        let mut relocations: Vec<_> = relocations.filter(|r| width(r.kind) > 0).collect();
        let mut nops: Vec<_> = jump_labels(code, id).into_iter().map(range).collect();
        let is_call = |r: &&Reference<'_>| r.target == ReferenceTarget::External(b"__fentry__");
        let calls = references
            .iter()
            .filter(is_call)
            .map(|r| range(r.offset - piece.start));
        nops.extend(calls.filter_map(|at| at.checked_sub(1)));
        let mut without = Vec::new();
        for at in nops {
            if let Some(nop) = nop_at(&mut expected, &mut found, at) {
                without.push(at..at + nop.len());
            }
        }
        for reference in &references {
            let at = range(reference.offset - piece.start);
            if without.iter().any(|nop| nop.contains(&at)) {
                continue;
            }
            let place = start + (reference.offset - piece.start);
            let there = relocations.iter().position(|r| r.offset == place);
            let there = there.map(|at| relocations.remove(at));
            if let Some(there) = there {
                if !self.is_same(code, located, reference, there) {
                    return Some(format!("refers to something else at {at:#x}"));
                }
            } else if !self.is_resolved(code, located, reference, section, &found, at, place) {
                return Some(format!("has an additional reference at {at:#x}"));
            }
            for bytes in [&mut expected, &mut found] {
                let end = (at + range(reference.width())).min(bytes.len());
                bytes[at.min(end)..end].fill(0);
            }
        }
        if let Some(extra) = relocations.first() {
            return Some(format!("has no reference at {:#x}", extra.offset - start));
        }
        let at = expected.iter().zip(&found).position(|(a, b)| a != b);
        at.map(|at| format!("has other bytes at {at:#x}"))
    }

    /// Returns true if a reference and a relocation of the kernel have the same target.
    fn is_same(
        &self,
        code: &Code<'_>,
        located: &Located,
        reference: &Reference<'_>,
        relocation: &Relocation,
    ) -> bool {
        if reference.kind != relocation.kind {
            return false;
        }
        let file = self.image.relocatable;
        let Some(symbol) = file.get_symbol(relocation.symbol) else {
            return matches!(reference.target, ReferenceTarget::Absolute);
        };
        let behind = if is_relative(reference.kind) {
            reference.behind
        } else {
            0
        };
        let addend = relocation.addend.wrapping_add(behind);
        let found = match symbol.place {
            Place::Section(id) => Where::At(id, symbol.value.wrapping_add_signed(addend)),
            Place::Undefined | Place::Common => Where::Undefined(symbol.name, addend),
            _ => Where::Number(symbol.value.wrapping_add_signed(addend)),
        };
        self.means(code, located, reference, &found)
    }

    /// Returns true if a reference means a place of the kernel.
    fn means(
        &self,
        code: &Code<'_>,
        located: &Located,
        reference: &Reference<'_>,
        found: &Where<'_>,
    ) -> bool {
        let file = self.image.relocatable;
        let symbol = match reference.target {
            ReferenceTarget::External(name) => match self.image.globals.get(name) {
                Some(&symbol) => symbol,
                None => {
                    return *found == Where::Undefined(name, reference.delta)
                        || matches!(found, Where::Number(_))
                }
            },
            ReferenceTarget::Piece(id) => match located.relocatable.get(&id) {
                Some(&symbol) => symbol,
                // A private constant has no symbol, so its contents are compared.
                None => return self.has_content(code, id, reference.delta, found),
            },
            ReferenceTarget::Constant {
                section,
                start,
                end,
            } => {
                let Where::At(there, offset) = *found else {
                    return false;
                };
                let begin = offset.wrapping_add_signed(reference.delta.wrapping_neg());
                return self.bytes(there, begin, end - start) == code.bytes(section, start, end);
            }
            // Entries of tables, and their targets, are no part of a function.
            ReferenceTarget::Chunk { .. }
            | ReferenceTarget::Entry(_)
            | ReferenceTarget::Loose(_)
            | ReferenceTarget::Absolute => return true,
        };
        let symbol = file.get_symbol(symbol);
        let expected = symbol.and_then(|s| {
            Some(Where::At(
                s.section()?,
                s.value.wrapping_add_signed(reference.delta),
            ))
        });
        expected.is_some_and(|expected| expected == *found)
    }

    fn has_content(&self, code: &Code<'_>, id: PieceId, delta: i64, found: &Where<'_>) -> bool {
        let piece = code.piece(id);
        let Where::At(section, offset) = *found else {
            return false;
        };
        let start = offset.wrapping_add_signed(delta.wrapping_neg());
        let mut expected = code.bytes(piece.section, piece.start, piece.end).to_vec();
        let mut there = self.bytes(section, start, piece.end - piece.start).to_vec();
        for reference in code.references(piece.section, piece.start, piece.end) {
            let at = usize::try_from(reference.offset - piece.start).unwrap_or(usize::MAX);
            for bytes in [&mut expected, &mut there] {
                let end = at.saturating_add(8).min(bytes.len());
                if let Some(field) = bytes.get_mut(at..end) {
                    field.fill(0);
                }
            }
        }
        expected == there
    }

    /// Returns true if a branch within a section, without a relocation, has the distance to its target.
    #[expect(clippy::too_many_arguments, reason = "the place in both files")]
    fn is_resolved(
        &self,
        code: &Code<'_>,
        located: &Located,
        reference: &Reference<'_>,
        section: SectionId,
        bytes: &[u8],
        at: usize,
        place: u64,
    ) -> bool {
        let Some(field) = bytes.get(at..).and_then(|rest| rest.first_chunk::<4>()) else {
            return false;
        };
        let distance = i64::from(i32::from_le_bytes(*field));
        let to = place
            .wrapping_add_signed(distance)
            .wrapping_add_signed(reference.behind);
        reference.is_branch && self.means(code, located, reference, &Where::At(section, to))
    }

    fn bytes(&self, section: SectionId, start: u64, size: u64) -> &'d [u8] {
        let file = self.image.relocatable;
        let section = file.get_section(section);
        let data = section
            .and_then(|s| file.section_data(&s).ok())
            .unwrap_or_default();
        let at = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX);
        data.get(at(start)..at(start.saturating_add(size)))
            .unwrap_or_default()
    }
}

/// Returns the places of jump labels in a function, counted from its first byte.
fn jump_labels(code: &Code<'_>, id: PieceId) -> Vec<u64> {
    let piece = code.piece(id);
    let entries = code.entries(id).iter();
    let labels = entries.filter(|entry| code.section(entry.section).name == b"__jump_table");
    let places = labels.filter_map(|entry| {
        let references = code.references(entry.section, entry.start, entry.end);
        let place = references
            .first()
            .filter(|r| r.target == ReferenceTarget::Piece(id))?;
        (piece.entry - piece.start).checked_add_signed(place.delta)
    });
    places.collect()
}

/// Clears a call or jump on both sides, if objtool replaced it by a no-op. Returns the no-op.
fn nop_at(expected: &mut [u8], found: &mut [u8], at: usize) -> Option<&'static [u8]> {
    let nop = match expected.get(at)? {
        0xe8 | 0xe9 => &NOP5[..],
        0xeb => &NOP2[..],
        _ => return None,
    };
    if found.get(at..at + nop.len())? != nop {
        return None;
    }
    for bytes in [expected, found] {
        bytes.get_mut(at..at + nop.len())?.fill(0);
    }
    Some(nop)
}
