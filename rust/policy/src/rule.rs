// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The naming rules: ours, and those of the kernels that are out there.

/// The rule by which a kernel compares a name with its symbols.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Policy {
    /// Exact names first, then names without their promotion suffix: a kernel with `klp_sympos`.
    #[default]
    Llvm,
    /// Exact names only: a stock kernel before 5.16, and from 6.11 on.
    ///
    /// From 5.13 to 5.15 a kernel with `CFI_CLANG` and `LTO_CLANG_THIN` also takes what stands
    /// before the last `$` of a name (commit 8b8e6b5d3b01). That is no rule here: such kernels are
    /// arm64's, which had no livepatches.
    #[cfg(feature = "stock")]
    Exact,
    /// Everything from `.llvm.` on is cut before comparing: vmlinux of 6.5 to 6.10 with `LTO_CLANG`
    /// (`cleanup_symbol_name()` in `kernel/kallsyms.c`, commit 8cc32a9bbf29).
    #[cfg(feature = "stock")]
    LlvmCut,
    /// The whole name or what stands before its first dot: vmlinux of 5.16 to 6.4 with `LTO_CLANG`
    /// (`cleanup_symbol_name()` in `kernel/kallsyms.c`, commit 6eb4bd92c1ce).
    #[cfg(feature = "stock")]
    DotCut,
}
