// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The ways in which a kernel is linked.

use serde::Deserialize;

/// A way to link a kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Link {
    /// Promoted symbols get a suffix.
    Default,
    /// LLD 23 or later keeps the name of what is promoted, unless another file has it too.
    SuffixReduction,
    /// Promoted symbols get a suffix, and the kernel and its modules have BTF.
    Btf,
}

impl Link {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Default, Self::SuffixReduction, Self::Btf];
    /// Those in which what is promoted gets a suffix.
    pub const SUFFIXED: [Self; 2] = [Self::Default, Self::Btf];

    /// The name, as in `series.toml` and in the names of lanes.
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

    #[test]
    fn every_link_is_called_what_series_toml_calls_it() {
        #[derive(Deserialize)]
        struct Settings {
            links: Vec<Link>,
        }
        let names = Link::ALL.map(Link::name);
        let settings: Settings = toml::from_str(&format!("links = {names:?}")).unwrap();
        assert_eq!(settings.links, Link::ALL);
    }
}
