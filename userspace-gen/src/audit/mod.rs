// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The suffixes in a kernel, and their effect on its names.
//!
//! [`suffix`] sorts what was promoted, [`repeats`] says which names are not unique under which rule,
//! [`changes`] compares two kernels by name, [`html`] puts it all on a page.

pub mod changes;
pub mod html;
pub mod repeats;
pub mod suffix;

pub use changes::Changes;
pub use repeats::{Repeat, Rule};
pub use suffix::{Kind, Suffixed};

use crate::elf::ElfFile;
use crate::error::Result;
use crate::kallsyms::vmlinux;
use crate::shown::shown;
use klp_policy::Policy;
use object::read::ReadRef;

/// An account of the names of one kernel.
#[derive(Clone, Debug)]
pub struct Audit {
    /// The name of the kernel in messages.
    pub origin: String,
    /// How many symbols it lists.
    pub symbols: usize,
    /// Those that were promoted, in the order of `/proc/kallsyms`.
    pub suffixed: Vec<Suffixed>,
    /// The names that each rule makes ambiguous, the stock rule of today first.
    pub rules: Vec<Rule>,
    /// Names that a static and a global symbol have at once.
    pub static_and_global: Vec<Repeat>,
    /// Names whose order in the symbol table is not that of their addresses, in which positions count.
    pub out_of_order: Vec<Repeat>,
    /// Names that a `.<number>` tells from others: static locals, and what LLVM renamed since the name was
    /// taken.
    pub numbered: Vec<String>,
}

impl Audit {
    /// Looks at all symbols of a kernel.
    ///
    /// # Errors
    ///
    /// The file has no symbol table.
    pub fn new<'d, R: ReadRef<'d>>(elf: &ElfFile<'d, R>) -> Result<Self> {
        let symbols = &vmlinux::read(elf)?;
        let policies = [Policy::Exact, Policy::Llvm, Policy::LlvmCut, Policy::DotCut];
        let mut numbered: Vec<_> = symbols
            .entries()
            .iter()
            .filter(|entry| suffix::is_numbered(entry.name.0))
            .map(|entry| shown(entry.name.0))
            .collect();
        numbered.sort_unstable();
        Ok(Self {
            origin: elf.origin().to_owned(),
            symbols: symbols.entries().len(),
            suffixed: suffix::suffixed(symbols),
            rules: policies.map(|policy| Rule::new(policy, symbols)).into(),
            static_and_global: repeats::static_and_global(elf, symbols),
            out_of_order: repeats::out_of_order(symbols),
            numbered,
        })
    }

    /// How many symbols of a kind were promoted.
    #[must_use]
    pub fn count(&self, kind: Kind) -> usize {
        self.suffixed.iter().filter(|s| s.kind == kind).count()
    }

    /// Returns the names that a rule makes ambiguous.
    #[must_use]
    pub fn rule(&self, policy: Policy) -> Option<&Rule> {
        self.rules.iter().find(|rule| rule.policy == policy)
    }
}
