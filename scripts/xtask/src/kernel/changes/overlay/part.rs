// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Groups of overlaid files.

/// The module's directory in the kernel tree.
pub const MODULE_DIRECTORY: &str = "kernel/livepatch/klp_sympos";

/// A group of overlaid files, which is also the patch that they are sent in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The abstractions in the kernel crate.
    Abstractions,
    /// The module, the naming rule that it is compiled with, and its tests.
    Module,
    /// The kernel's selftest of a function that has two names.
    AliasTest,
    /// The kernel's selftests of symbol names and positions.
    SymposTest,
    /// The kernel's selftests of tracers on promoted functions.
    TracerTest,
    /// The kernel's documents, which no build needs.
    Documentation,
    /// The person to ask, and the files to ask about; needed by no build either.
    Maintainers,
    /// Statics that assembly code shares its names with, for tests; in no patch.
    Planted,
}
