// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The names of locks, which lockdep compares by their addresses.
//!
//! `mutex_init()` and its like make a static key and a string for each place of use. lockdep warns if it sees the key
//! with another string than before (`look_up_lock_class()` of `kernel/locking/lockdep.c`). So a function that has
//! such a key uses the string of the running kernel. A string has no symbol; the reference counts from the
//! beginning of the kernel's constants.

use super::body::Referent;
use super::extractor::Extractor;
use crate::build::code::references::is_relative;
use crate::build::code::{Code, PieceId, Reference, ReferenceTarget, Span};
use crate::build::compare::names;
use crate::build::KbuildObject;
use object::read::ReadRef;

/// The symbol at the beginning of the kernel's constants (`include/asm-generic/sections.h`).
const CONSTANTS: &[u8] = b"__start_rodata";

impl<'d, R: ReadRef<'d>> Extractor<'_, '_, 'd, R> {
    /// Returns a constant of the running kernel, if a changed function may give the constant to lockdep.
    ///
    /// Modules have no symbol from which the place of a string could be counted.
    pub(super) fn name_of_lock(
        &mut self,
        unit: usize,
        owner: PieceId,
        (section, start, end): Span,
    ) -> Option<Referent> {
        let inputs = self.inputs;
        if inputs.units[unit].object != KbuildObject::Vmlinux
            || !has_lock_key(self.code(unit), owner)
        {
            return None;
        }
        let bytes = self.code(unit).bytes(section, start, end);
        let original = inputs.pairings.of(unit).original(owner)?;
        let code = &inputs.versions[unit].original;
        let is_it = |reference: &Reference<'_>| match reference.target {
            ReferenceTarget::Constant {
                section,
                start,
                end,
            } => code.bytes(section, start, end) == bytes,
            _ => false,
        };
        let reference = references(code, original).into_iter().find(is_it)?;
        let image = inputs.images.get(&KbuildObject::Vmlinux)?;
        let address = image.address(*inputs.located[unit].linked.get(&original)?)?;
        let piece = code.piece(original);
        let place = address.wrapping_add(reference.offset.wrapping_sub(piece.entry));
        let field = image.bytes_at(place, 4)?.first_chunk()?;
        let mut constant = i64::from(i32::from_le_bytes(*field)).wrapping_sub(reference.delta);
        if is_relative(reference.kind) {
            constant = constant
                .wrapping_add_unsigned(place)
                .wrapping_add(reference.behind);
        }
        let constant = 0_u64.wrapping_add_signed(constant);
        if image.bytes_at(constant, end - start)? != bytes {
            return None;
        }
        let first = image.address(image.global(CONSTANTS)?)?;
        let distance = 0_i64.wrapping_add_unsigned(constant.wrapping_sub(first));
        let (symbol, _) = self.external_symbol(unit, CONSTANTS)?;
        Some((symbol, distance))
    }
}

/// Returns true if a function uses the key of a lock, in a kernel with lockdep. Without lockdep a key has no bytes.
fn has_lock_key(code: &Code<'_>, id: PieceId) -> bool {
    references(code, id)
        .iter()
        .any(|reference| match reference.target {
            ReferenceTarget::Piece(id) => {
                let piece = code.piece(id);
                piece.end > piece.start && piece.name.is_some_and(names::is_lock_key)
            }
            _ => false,
        })
}

fn references<'d>(code: &Code<'d>, id: PieceId) -> Vec<Reference<'d>> {
    let piece = code.piece(id);
    code.references(piece.section, piece.start, piece.end)
}
