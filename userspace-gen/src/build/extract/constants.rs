// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The strings and other mergeable constants of a livepatch. Each constant is in the livepatch once.

use super::body::{Body, BodySection, BodySymbol, Contents, Referent, SymbolSort};
use crate::build::code::references::is_relative;
use crate::build::code::{Code, Span};
use std::collections::HashMap;

/// The constants of a livepatch.
#[derive(Debug, Default)]
pub(super) struct Constants {
    /// The sections, by name and size of entries.
    sections: HashMap<(Vec<u8>, u64), BodySection>,
    /// The constants, by bytes.
    constants: HashMap<(BodySection, Vec<u8>), Constant>,
}

/// A constant in a section of its kind.
#[derive(Clone, Copy, Debug)]
struct Constant {
    /// The place of the first byte.
    start: u64,
    /// Its own symbol, if a relocation needs one.
    symbol: Option<BodySymbol>,
}

/// The name of each symbol of a constant; the kernel and its tools skip such names.
const NAME: &[u8] = b".Lconstant";

impl Constants {
    /// Returns the symbol and the addend by which a relocation of a type refers to a constant, and adds the
    /// constant if it is new.
    ///
    /// A linker that merges constants reads the place of a constant from the addend of a relocation to the
    /// section. The addend of a relative relocation is not that place, so such a relocation needs a symbol
    /// of the constant.
    pub(super) fn link(
        &mut self,
        body: &mut Body,
        code: &Code<'_>,
        part: Span,
        kind: u32,
    ) -> Referent {
        let (section, constant) = self.add(body, code, part);
        if !is_relative(kind) {
            let start = 0_i64.wrapping_add_unsigned(constant.start);
            return (body.section_symbol(section), start);
        }
        let sort = SymbolSort {
            is_function: false,
            is_global: false,
        };
        let at = (constant.start, part.2 - part.1);
        let define = || body.define(NAME.to_vec(), section, at, sort);
        (*constant.symbol.get_or_insert_with(define), 0)
    }

    /// Returns a constant and its section, and adds both if they are new.
    fn add(
        &mut self,
        body: &mut Body,
        code: &Code<'_>,
        (section, start, end): Span,
    ) -> (BodySection, &mut Constant) {
        let source = code.section(section);
        let name = (source.name.to_vec(), source.entsize);
        let section = *self.sections.entry(name).or_insert_with(|| {
            body.add_section(Contents {
                name: source.name.to_vec(),
                kind: source.kind,
                flags: source.flags,
                align: source.align,
                entsize: source.entsize,
                data: Vec::new(),
                size: 0,
                link: None,
            })
        });
        let bytes = code.bytes(source.id, start, end);
        let constant = self.constants.entry((section, bytes.to_vec()));
        let constant = constant.or_insert_with(|| Constant {
            start: body.append(section, bytes, source.align.max(1)),
            symbol: None,
        });
        (section, constant)
    }
}
