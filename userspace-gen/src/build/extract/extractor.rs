// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The state of an extraction that is under way.

use super::body::{BodySection, BodySymbol};
use super::constants::Constants;
use super::extraction::{Extraction, Inputs};
use crate::build::code::{Code, Piece, PieceId};
use crate::build::compare::names;
use crate::build::{BuildRefusal, RefusalKind};
use crate::elf::SectionId;
use object::read::ReadRef;
use std::collections::{HashMap, HashSet, VecDeque};

/// An extraction that is under way.
pub(super) struct Extractor<'x, 'i, 'd, R: ReadRef<'d>> {
    pub(super) inputs: &'x Inputs<'x, 'i, 'd, R>,
    pub(super) changed: HashSet<(usize, PieceId)>,
    /// The names of the changed functions.
    pub(super) defined: HashSet<Vec<u8>>,
    /// The new section and symbol of each function and variable that was taken.
    pub(super) taken: HashMap<(usize, PieceId), (BodySection, BodySymbol)>,
    pub(super) queue: VecDeque<(usize, PieceId)>,
    pub(super) constants: Constants,
    /// The new places of code without symbols.
    pub(super) chunks: HashMap<(usize, SectionId, u64), (BodySection, u64)>,
    /// The new places of entries of tables, by file, section and place.
    pub(super) entries: HashMap<(usize, SectionId, u64), (BodySection, u64)>,
    /// The new sections of tables, by name.
    pub(super) tables: HashMap<Vec<u8>, BodySection>,
    pub(super) result: Extraction,
}

impl<'x, 'i, 'd, R: ReadRef<'d>> Extractor<'x, 'i, 'd, R> {
    /// Begins an extraction of these functions.
    pub(super) fn new(
        inputs: &'x Inputs<'x, 'i, 'd, R>,
        changed: HashSet<(usize, PieceId)>,
    ) -> Self {
        let name =
            |&(unit, id): &(usize, PieceId)| cleaned(inputs.versions[unit].patched.piece(id));
        Self {
            defined: changed.iter().map(name).collect(),
            inputs,
            changed,
            taken: HashMap::new(),
            queue: VecDeque::new(),
            constants: Constants::default(),
            chunks: HashMap::new(),
            entries: HashMap::new(),
            tables: HashMap::new(),
            result: Extraction::default(),
        }
    }

    pub(super) fn code(&self, unit: usize) -> &'x Code<'x> {
        &self.inputs.versions[unit].patched
    }

    pub(super) fn refuse(&mut self, kind: RefusalKind, unit: usize, subject: String, what: &str) {
        let refusal = BuildRefusal {
            kind,
            subject,
            reason: format!("{}: {what}", self.inputs.units[unit].source.display()),
        };
        if !self.result.refusals.contains(&refusal) {
            self.result.refusals.push(refusal);
        }
    }
}

/// Returns the name of a piece without the suffix of `ThinLTO`.
pub(super) fn cleaned(piece: &Piece<'_>) -> Vec<u8> {
    names::clean(piece.name.unwrap_or_default())
}
