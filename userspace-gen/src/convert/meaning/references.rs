// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The list of a livepatch's references that will be resolved, for modpost.

use super::plan::{plan, ResolvedReference};
use super::problem::Problem;
use crate::elf::ElfFile;
use crate::error::Result;
use crate::target::Target;
use klp_policy::Policy;
use std::collections::BTreeSet;

/// The names of references that [`convert()`](crate::convert::convert) will turn into livepatch symbols.
#[derive(Clone, Debug, Default)]
pub struct References {
    names: BTreeSet<Vec<u8>>,
    references: Vec<ResolvedReference>,
}

impl References {
    /// Adds the references of the object `data`, or returns the problems with them. `origin` is the name of
    /// the object in messages.
    ///
    /// # Errors
    ///
    /// The file is malformed.
    pub fn add(
        &mut self,
        origin: &str,
        data: &[u8],
        target: &Target<'_>,
        policy: Policy,
    ) -> Result<Vec<Problem>> {
        let elf = ElfFile::parse(origin.to_owned(), data)?;
        elf.expect_relocatable()?;
        elf.expect_contents()?;
        target.expect_same_machine(&elf)?;
        let plan = match plan(&elf, target, policy)? {
            Ok(plan) => plan,
            Err(problems) => return Ok(problems),
        };
        let symbol = |r: &ResolvedReference| elf.get_symbol(r.symbol);
        let names = plan.references.iter().filter_map(symbol).map(|s| s.name);
        // modpost refuses a symbol that both vmlinux and a module of the same run export.
        let names = names.filter(|name| !target.symvers().is_before_modpost(name));
        self.names.extend(names.map(<[u8]>::to_vec));
        self.references.extend(plan.references);
        Ok(Vec::new())
    }

    /// Returns what the references mean.
    #[must_use]
    pub fn meanings(&self) -> &[ResolvedReference] {
        &self.references
    }

    /// Returns the lines of a Module.symvers that lists the names as exports of vmlinux.
    ///
    /// modpost removes one dot from the beginning of an undefined name before it looks up the name
    /// (`handle_symbol()` in scripts/mod/modpost.c).
    #[must_use]
    pub fn to_symvers(&self) -> Vec<u8> {
        let mut text = Vec::new();
        for name in &self.names {
            text.extend_from_slice(b"0x00000000\t");
            text.extend_from_slice(name.strip_prefix(b".").unwrap_or(name));
            text.extend_from_slice(b"\tvmlinux\tEXPORT_SYMBOL\t\n");
        }
        text
    }
}
