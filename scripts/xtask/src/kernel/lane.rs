// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The kernels that are tested: the same source and compiler, linked in different ways.

/// A kernel that is tested.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Lane {
    /// Promoted symbols get a suffix.
    #[default]
    Default,
    /// LLD 23 or later keeps the name of what is promoted, unless another file has it too.
    SuffixReduction,
    /// Promoted symbols get a suffix, and the kernel and its modules have BTF.
    Btf,
}

impl Lane {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Default, Self::SuffixReduction, Self::Btf];
    /// Those in which what is promoted gets a suffix.
    pub const SUFFIXED: [Self; 2] = [Self::Default, Self::Btf];

    /// The name, as on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::SuffixReduction => "suffix-reduction",
            Self::Btf => "btf",
        }
    }

    /// Returns true if the linker keeps names of symbols that it promotes.
    pub const fn reduces_suffixes(self) -> bool {
        matches!(self, Self::SuffixReduction)
    }

    /// Returns true if the kernel and its modules have BTF, for which they are compiled with debug information.
    pub const fn has_btf(self) -> bool {
        matches!(self, Self::Btf)
    }

    /// Tells the guest: the kernel puts parameters that it does not know into the environment of init.
    pub fn parameter(self) -> String {
        format!("KLP_LANE={}", self.name())
    }

    /// Returns true if the linker may take code from an earlier link (`--thinlto-cache-dir`).
    ///
    /// The linker decides for all files together which names are taken. LLD 23.1 does not count that among what a
    /// file's code depends on: after a change elsewhere the cached code has the old name, and the link ends with
    /// a duplicate symbol, or with a call of the wrong function.
    pub const fn may_cache_lto(self) -> bool {
        !self.reduces_suffixes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::ValueEnum;

    #[test]
    fn every_lane_is_called_what_the_command_line_calls_it() {
        assert_eq!(Lane::value_variants(), Lane::ALL);
        for lane in Lane::ALL {
            assert_eq!(lane.to_possible_value().unwrap().get_name(), lane.name());
        }
    }
}
