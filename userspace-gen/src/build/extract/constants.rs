// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Strings and other constants that a linker may merge: each is in the livepatch once.

use super::body::{Body, BodySection, Contents};
use super::Part;
use crate::build::code::Code;
use std::collections::HashMap;

/// The constants of a livepatch.
#[derive(Debug, Default)]
pub(super) struct Constants {
    /// The sections, by name and size of entries.
    sections: HashMap<(Vec<u8>, u64), BodySection>,
    /// The places, by bytes.
    places: HashMap<(BodySection, Vec<u8>), u64>,
}

impl Constants {
    /// Returns the place of a constant, which is added if it is not there yet.
    pub(super) fn add(
        &mut self,
        body: &mut Body,
        code: &Code<'_>,
        (section, start, end): Part,
    ) -> (BodySection, u64) {
        let source = code.section(section);
        let name = (source.name.to_vec(), source.entsize);
        let section_of = self.sections.entry(name).or_insert_with(|| {
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
        let key = (*section_of, code.bytes(section, start, end).to_vec());
        if let Some(&at) = self.places.get(&key) {
            return (key.0, at);
        }
        let at = body.append(key.0, &key.1, source.align.max(1));
        let section = key.0;
        self.places.insert(key, at);
        (section, at)
    }
}
