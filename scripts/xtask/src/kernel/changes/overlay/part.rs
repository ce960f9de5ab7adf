// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Groups of overlaid files.

/// The module's directory in the kernel tree.
pub const MODULE_DIRECTORY: &str = "kernel/livepatch/klp_sympos";

/// A group of overlaid files, which is also the patch that they are sent in.
///
/// The order is that of the patches: each part needs only parts that come before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// The abstraction of kallsyms in the kernel crate.
    Kallsyms,
    /// The abstraction of livepatch.
    Livepatch,
    /// The abstraction of debugfs.
    Debugfs,
    /// The half of the naming rule that is about names alone.
    Names,
    /// The half of the naming rule that finds symbols in tables.
    Lookups,
    /// The module, which resolves the symbols of livepatches.
    Module,
    /// The module's answers to tracers.
    Tracers,
    /// The module's answers in debugfs.
    Queries,
    /// The rules of other kernels, and the format of relocations, which only tests need.
    Stock,
    /// The `KUnit` suite of the rule.
    Kunit,
    /// The `KUnit` suite of lookups in the running kernel's tables.
    KunitTables,
    /// The header and the Makefile for authors of livepatches.
    Authors,
    /// The kernel's selftest of a function that has two names.
    AliasTest,
    /// The kernel's selftests of symbol names and positions.
    SymposTest,
    /// The kernel's selftests of tracers on promoted functions.
    TracerTest,
    /// The kernel's documents, which no build needs.
    Documentation,
    /// Statics that assembly code shares its names with, for tests; in no patch.
    Planted,
}

impl Part {
    /// The parts that every build of the kernel has.
    pub const BUILT: [Self; 15] = [
        Self::Kallsyms,
        Self::Livepatch,
        Self::Debugfs,
        Self::Names,
        Self::Lookups,
        Self::Module,
        Self::Tracers,
        Self::Queries,
        Self::Stock,
        Self::Kunit,
        Self::KunitTables,
        Self::Authors,
        Self::AliasTest,
        Self::SymposTest,
        Self::TracerTest,
    ];
}
