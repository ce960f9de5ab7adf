// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Strings and other constants that a linker may merge: each is in the livepatch once.

use super::body::{Body, BodySection, BodySymbol, Contents, SymbolSort};
use super::{Link, Part};
use crate::build::code::references::is_relative;
use crate::build::code::Code;
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
    /// Where it begins.
    start: u64,
    /// Its own symbol, if something needs one.
    symbol: Option<BodySymbol>,
}

/// The name of each symbol of a constant; the kernel and its tools pass over such names.
const NAME: &[u8] = b".Lconstant";

impl Constants {
    /// Returns how a relocation of this type refers to a constant, which is added if it is not there yet.
    ///
    /// The addend of a relocation to the section itself says where in the section the constant is, for a linker that
    /// merges. What counts from its own place has an addend that says something else, and so needs a symbol.
    pub(super) fn link(&mut self, body: &mut Body, code: &Code<'_>, part: Part, kind: u32) -> Link {
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

    /// Returns a constant and its section, both added if they are not there yet.
    fn add(
        &mut self,
        body: &mut Body,
        code: &Code<'_>,
        (section, start, end): Part,
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
