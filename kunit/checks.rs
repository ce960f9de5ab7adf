// SPDX-License-Identifier: GPL-2.0

//! What the suite `klp_sympos` counts its checks with, and names that live as long as it needs
//! them.

use crate::machine::report;
use crate::policy::{
    cleanup_symbol_name,
    Symbol,
    SymbolName,
    KSYM_NAME_LEN, //
};

/// A name of our own.
pub(crate) struct Name {
    buf: [u8; KSYM_NAME_LEN + Self::MORE],
    len: usize,
}

impl Name {
    /// Room for a suffix behind the longest name.
    const MORE: usize = 16;

    /// A name that equals no symbol's.
    pub(crate) const fn none() -> Self {
        Self {
            buf: [0; KSYM_NAME_LEN + Self::MORE],
            len: 0,
        }
    }

    pub(crate) fn new(bytes: impl Iterator<Item = u8>) -> Self {
        let mut name = Self::none();
        for (to, byte) in name.buf.iter_mut().zip(bytes) {
            *to = byte;
            name.len += 1;
        }
        name
    }

    /// What a symbol is called in the source, with `suffix` behind it.
    pub(crate) fn cleaned(symbol: &Symbol<'_>, suffix: &[u8]) -> Self {
        let cleaned = cleanup_symbol_name(symbol.name.0);
        Self::new(cleaned.bytes().chain(suffix.iter().copied()))
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.buf[..self.len]
    }
}

/// Counts what was checked and what failed, and reports the first of these.
#[derive(Default)]
pub(crate) struct Checks {
    passed: u32,
    failed: u32,
}

impl Checks {
    pub(crate) fn that(&mut self, what: &str, name: &[u8], passes: bool) {
        if passes {
            self.passed += 1;
            return;
        }
        self.failed += 1;
        if self.failed <= 8 {
            report(format_args!("failed: {what} of '{}'", SymbolName(name)));
        }
    }

    /// Whether there was something to check, and all of it was right.
    pub(crate) fn all_passed(&self) -> bool {
        self.passed > 0 && self.failed == 0
    }
}
