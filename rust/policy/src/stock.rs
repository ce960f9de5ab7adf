// SPDX-License-Identifier: GPL-2.0 OR MIT

//! How stock kernels compare names: no kernel needs to know it of others, the tools do.

use super::clean::{
    cleanup_symbol_name,
    CleanName,
    PROMOTION, //
};
use super::name::SymbolName;
use super::rule::Policy;
use core::{
    fmt,
    str::FromStr, //
};

impl Policy {
    /// Every rule, ours first.
    pub const ALL: [Self; 4] = [Self::Llvm, Self::Exact, Self::LlvmCut, Self::DotCut];

    /// A symbol's name as this rule compares it.
    #[must_use]
    pub fn clean(self, name: &[u8]) -> CleanName<'_> {
        let cut = match self {
            Self::Llvm => return cleanup_symbol_name(name),
            Self::Exact => name.len(),
            Self::LlvmCut => name
                .windows(PROMOTION.len())
                .position(|w| w == PROMOTION)
                .unwrap_or(name.len()),
            Self::DotCut => name.iter().position(|&b| b == b'.').unwrap_or(name.len()),
        };
        CleanName::whole(&name[..cut])
    }

    /// Returns whether a kernel that cuts names finds the symbol `name` when it looks for `wanted`.
    ///
    /// Until commit 33f0467fe069 (6.6, 6.5.1) `compare_symbol_name()` accepted the whole name as
    /// well; of the kernels that cut at `.llvm.`, only 6.5 itself is without it.
    pub(super) fn cut_matches(self, wanted: SymbolName<'_>, name: SymbolName<'_>) -> bool {
        let whole = self == Self::DotCut && wanted == name;
        whole || self.clean(name.0) == *wanted.0
    }

    /// The rule's name on a command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Llvm => "llvm",
            Self::Exact => "exact",
            Self::LlvmCut => "llvm-cut",
            Self::DotCut => "dot-cut",
        }
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A word that names no rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownPolicy;

impl fmt::Display for UnknownPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected one of llvm, exact, llvm-cut, dot-cut")
    }
}

impl FromStr for Policy {
    type Err = UnknownPolicy;

    fn from_str(text: &str) -> Result<Self, UnknownPolicy> {
        Self::ALL
            .into_iter()
            .find(|p| p.as_str() == text)
            .ok_or(UnknownPolicy)
    }
}
