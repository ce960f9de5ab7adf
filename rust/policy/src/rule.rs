// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The naming rules: ours, and those of the kernels that are out there.

use super::clean::{
    cleanup_symbol_name,
    CleanName,
    PROMOTION, //
};
use super::name::SymbolName;
use core::{
    fmt,
    str::FromStr, //
};

/// The rule by which a kernel compares a name with its symbols.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Policy {
    /// Exact names first, then names without their promotion suffix: a kernel with `klp_sympos`.
    #[default]
    Llvm,
    /// Exact names only: a stock kernel before 5.16, and from 6.11 on.
    ///
    /// From 5.13 to 5.15 a kernel with `CFI_CLANG` and `LTO_CLANG_THIN` also takes what stands before the
    /// last `$` of a name (commit 8b8e6b5d3b01). That is no rule here: such kernels are arm64's, which had
    /// no livepatches.
    Exact,
    /// Everything from `.llvm.` on is cut before comparing: vmlinux of 6.5 to 6.10 with `LTO_CLANG`
    /// (`cleanup_symbol_name()` in `kernel/kallsyms.c`, commit 8cc32a9bbf29).
    LlvmCut,
    /// The whole name or what stands before its first dot: vmlinux of 5.16 to 6.4 with `LTO_CLANG`
    /// (`cleanup_symbol_name()` in `kernel/kallsyms.c`, commit 6eb4bd92c1ce).
    DotCut,
}

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

    /// Whether a kernel that cuts names finds the symbol `name` when it looks for `wanted`.
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
