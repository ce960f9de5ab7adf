// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The suffixes in a kernel, and their effect on its names.
//!
//! [`suffix`] lists promoted symbols by kind, [`repeats`] lists the names that are not unique under each
//! rule, [`changes`] compares two kernels by name, and [`html`] makes a page of the result.

pub mod changes;
pub mod html;
pub mod repeats;
pub mod suffix;

pub use changes::KernelChanges;
pub use repeats::{Repeat, Rule};
pub use suffix::{SuffixKind, Suffixed};

use crate::elf::ElfFile;
use crate::error::Result;
use crate::kallsyms::vmlinux;
use crate::printable::shown;
use crate::release::Release;
use klp_policy::Policy;
use object::read::ReadRef;

/// The audit of one kernel's names.
#[derive(Clone, Debug)]
pub struct Audit {
    /// The name of the kernel in messages.
    pub origin: String,
    /// The number of symbols in `/proc/kallsyms`.
    pub symbols: usize,
    /// A message if the kernel's release is not known.
    pub release_note: Option<String>,
    /// The promoted symbols, in the order of `/proc/kallsyms`.
    pub suffixed: Vec<Suffixed>,
    /// The names that each rule makes ambiguous; the first rule is that of current stock kernels.
    pub rules: Vec<Rule>,
    /// Names of both a static and a global symbol.
    pub static_and_global: Vec<Repeat>,
    /// Names of symbols that are not in address order in the symbol table. Positions count in address order.
    pub out_of_order: Vec<Repeat>,
    /// Names with a `.<number>` at the end: static locals, and symbols that LLVM renamed because the name
    /// was taken.
    pub numbered: Vec<String>,
}

impl Audit {
    /// Makes the audit of a kernel.
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
            release_note: vmlinux::vermagic(elf).and_then(Release::note),
            suffixed: suffix::suffixed(symbols),
            rules: policies.map(|policy| Rule::new(policy, symbols)).into(),
            static_and_global: repeats::static_and_global(elf, symbols),
            out_of_order: repeats::out_of_order(symbols),
            numbered,
        })
    }

    /// Returns the number of promoted symbols of a kind.
    #[must_use]
    pub fn count(&self, kind: SuffixKind) -> usize {
        self.suffixed.iter().filter(|s| s.kind == kind).count()
    }

    /// Returns the names that a rule makes ambiguous.
    #[must_use]
    pub fn rule(&self, policy: Policy) -> Option<&Rule> {
        self.rules.iter().find(|rule| rule.policy == policy)
    }
}
