// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Groups of files that a boot may need beside the kernel, the tools and the test scripts.

/// A group of files. Each is built only if a boot that runs needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Need {
    /// `klp-guest`.
    Program,
    /// The modules of `scripts/fixtures/targets`, and the livepatches of `scripts/fixtures/livepatches`.
    Modules,
    /// The livepatches of `kmod/examples`, also with exact names.
    Examples,
    /// The livepatches of `scripts/fixtures/converted`, also with exact names.
    Converted,
    /// The module and the livepatches of `scripts/fixtures/siblings`, also with exact names.
    Siblings,
    /// The livepatches of the guide for authors.
    Guide,
    /// The kernel's livepatch selftests.
    LivepatchSelftests,
    /// The kernel's ftrace selftests.
    FtraceSelftests,
    /// The kernel's fprobe sample.
    FprobeSample,
    /// The symbol table as klp-gen has it.
    SymbolTable,
    /// The livepatches that are derived from others.
    Variants,
    /// The programs that people trace with.
    Clients,
    /// The livepatches that `klp-gen build` makes of source patches.
    SourcePatches,
}

impl Need {
    /// Everything that is no large program.
    pub const COMMON: [Self; 11] = [
        Self::Program,
        Self::Modules,
        Self::Examples,
        Self::Converted,
        Self::Siblings,
        Self::Guide,
        Self::LivepatchSelftests,
        Self::FtraceSelftests,
        Self::FprobeSample,
        Self::SymbolTable,
        Self::Variants,
    ];

    /// Returns the groups that have to be built for this one, without their being in the guest for that.
    pub const fn made_of(self) -> &'static [Self] {
        match self {
            Self::Converted | Self::SourcePatches => &[Self::Modules],
            Self::Variants => &[Self::Modules, Self::LivepatchSelftests],
            _ => &[],
        }
    }
}
