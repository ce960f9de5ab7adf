// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The series of kernels that this repository has changes for: each is a folder of `kmod/series`.
//!
//! A folder has everything that differs from one series to the next, and `common` what they share. Adding a series
//! is adding a folder.

use super::link::Link;
use crate::host::packages::Package;
use crate::host::paths;
use anyhow::{bail, Context, Result};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The series of a command that is not told which.
pub const DEFAULT: &str = "6.12";

/// The folder of what the series share.
const COMMON: &str = "common";

/// A series of kernels, such as 6.12.
#[derive(Clone)]
pub struct Series {
    /// The first two numbers of its versions.
    pub name: String,
    /// The package that its source is from.
    pub source: SourcePackage,
    /// The ways to link that it has lanes for.
    pub links: Vec<Link>,
    /// The versions of tools that no distribution has.
    pub tools: Tools,
    /// Files of the packages that its build needs, by the name of the package.
    packages: BTreeMap<String, String>,
    folder: PathBuf,
    /// The folder of all series.
    common: PathBuf,
}

/// A package of Debian's that has the source of a kernel.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourcePackage {
    /// Its name.
    pub package: String,
    /// The file of it that has the source.
    pub tarball: String,
    /// The suite that has it, if that is none of this machine's, and its version there.
    suite: Option<String>,
    version: Option<String>,
}

/// A version of a package in a suite of Debian's.
#[derive(Debug)]
pub struct Pin {
    /// The suite, such as `trixie-backports`.
    pub suite: String,
    /// The version of the package.
    pub version: String,
}

impl SourcePackage {
    /// Returns the package with its file, if it is to be installed.
    pub fn installed(&self) -> Option<Package<'_>> {
        self.suite
            .is_none()
            .then_some((&self.package, &self.tarball))
    }

    /// Returns the version that is to be fetched, if it is not to be installed.
    ///
    /// # Errors
    ///
    /// Fails if only one of suite and version is known.
    pub fn pin(&self) -> Result<Option<Pin>> {
        match (self.suite.clone(), self.version.clone()) {
            (None, None) => Ok(None),
            (Some(suite), Some(version)) => Ok(Some(Pin { suite, version })),
            _ => bail!(
                "the source {} has only one of `suite` and `version`; it needs both, or neither",
                self.package
            ),
        }
    }
}

/// The versions of tools that are installed into the cache.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tools {
    /// bindgen's.
    pub bindgen: String,
}

/// The contents of `series.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    #[serde(default = "default_links")]
    links: Vec<Link>,
    source: SourcePackage,
    tools: Tools,
    packages: BTreeMap<String, String>,
}

/// The ways to link of a series that names none.
fn default_links() -> Vec<Link> {
    vec![Link::Default]
}

impl Settings {
    fn parse(text: &str) -> Result<Self> {
        let settings: Self = toml::from_str(text)?;
        settings.source.pin()?;
        Ok(settings)
    }
}

impl Series {
    /// Reads the folder of a series.
    ///
    /// # Errors
    ///
    /// Fails if there is none, with those that exist, or if its `series.toml` is not understood.
    pub fn named(name: &str) -> Result<Self> {
        Self::named_in(&paths::repository().join("kmod/series"), name)
    }

    /// As [`Self::named`], of the folders in `all`.
    pub(super) fn named_in(all: &Path, name: &str) -> Result<Self> {
        let folder = all.join(name);
        let file = folder.join("series.toml");
        if !file.is_file() {
            bail!(
                "there are no patches for kernel {name}; there are some for: {}",
                names_in(all).join(", ")
            );
        }
        let text =
            fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        let settings = Settings::parse(&text).with_context(|| format!("in {}", file.display()))?;
        Ok(Self {
            name: name.to_owned(),
            links: settings.links,
            source: settings.source,
            tools: settings.tools,
            packages: settings.packages,
            folder,
            common: all.join(COMMON),
        })
    }

    /// Reads the folders of all series, sorted by name.
    ///
    /// # Errors
    ///
    /// Fails if one is not understood.
    pub fn all() -> Result<Vec<Self>> {
        let all = paths::repository().join("kmod/series");
        let names = names_in(&all).into_iter();
        names.map(|name| Self::named_in(&all, &name)).collect()
    }

    /// Returns the packages that only some series are built with.
    pub fn packages(&self) -> impl Iterator<Item = Package<'_>> {
        let packages = self.packages.iter();
        packages.map(|(package, file)| (package.as_str(), file.as_str()))
    }

    /// Returns its patches, in the order in which they are applied, which is that of their names.
    ///
    /// # Errors
    ///
    /// Fails if the folder cannot be read.
    pub fn patches(&self) -> Result<Vec<PathBuf>> {
        let folder = self.folder.join("patches");
        let mut patches = Vec::new();
        for entry in
            fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?
        {
            let path = entry?.path();
            if path
                .extension()
                .is_some_and(|extension| extension == "patch")
            {
                patches.push(path);
            }
        }
        patches.sort();
        Ok(patches)
    }

    /// Returns its `series.toml`.
    pub fn settings(&self) -> PathBuf {
        self.folder.join("series.toml")
    }

    /// Returns a cover letter, or the message of a mailed commit: its own, or that of all series.
    pub fn letter(&self, name: &str) -> PathBuf {
        let name = format!("letters/{name}");
        let own = self.folder.join(&name);
        if own.is_file() {
            own
        } else {
            self.common.join(name)
        }
    }

    /// Returns the configurations of the test kernel, each of which is merged over those before it: those of every
    /// lane, and those of a link, that of all series before its own.
    pub fn configs(&self, link: Link) -> Vec<PathBuf> {
        let names = ["kernel", link.name()].map(|name| format!("config/{name}.config"));
        let files = names
            .iter()
            .flat_map(|name| [self.common.join(name), self.folder.join(name)]);
        files.filter(|file| file.is_file()).collect()
    }

    /// Returns true if the kernel's build looks for collisions before the link, and cures them.
    pub fn finds_collisions(&self, link: Link) -> bool {
        let configs = self.configs(link).into_iter();
        let mut texts = configs.map(|config| fs::read_to_string(config).unwrap_or_default());
        texts.any(|text| {
            text.lines()
                .any(|line| line == "CONFIG_LTO_CLANG_THIN_COLLISIONS=y")
        })
    }

    /// Returns the file that has the numbers of cases of the boots of a lane.
    pub fn expected(&self, link: Link) -> PathBuf {
        self.folder.join(format!("expected/{}.txt", link.name()))
    }
}

/// Returns the names of the series that have a folder, the newest last.
fn names_in(all: &Path) -> Vec<String> {
    let entries = fs::read_dir(all).into_iter().flatten().flatten();
    let mut names: Vec<_> = entries
        .filter(|entry| entry.path().join("series.toml").is_file())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort_by_cached_key(|name| numbers(name));
    names
}

/// Returns the numbers of a version: 7.10 is newer than 7.3.
fn numbers(name: &str) -> Vec<u32> {
    name.split('.')
        .map_while(|number| number.parse().ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_are_in_the_order_of_their_versions() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["7.10", "6.12", "common", "7.3"] {
            fs::create_dir(dir.path().join(name)).unwrap();
            if name != "common" {
                fs::write(dir.path().join(name).join("series.toml"), "").unwrap();
            }
        }
        assert_eq!(names_in(dir.path()), ["6.12", "7.3", "7.10"]);
    }

    #[test]
    fn every_series_has_what_a_build_reads() {
        let all = Series::all().unwrap();
        assert!(all.iter().any(|series| series.name == DEFAULT));
        for series in all {
            assert!(!series.patches().unwrap().is_empty(), "{}", series.name);
            assert!(!series.links.is_empty(), "{}", series.name);
            assert!(!series.configs(Link::Default).is_empty(), "{}", series.name);
        }
    }

    #[test]
    fn a_package_is_installed_or_fetched_in_the_version_that_it_is_pinned_to() {
        let source = |more: &str| {
            let text = format!(
                "[source]\npackage = \"p\"\ntarball = \"/t\"\n{more}\n\
                 [tools]\nbindgen = \"1\"\n[packages]\n"
            );
            Settings::parse(&text).map(|settings| settings.source)
        };
        let installed = source("").unwrap();
        assert!(installed.pin().unwrap().is_none());
        assert_eq!(installed.installed(), Some(("p", "/t")));
        let fetched = source("suite = \"s\"\nversion = \"1\"").unwrap();
        assert_eq!(fetched.pin().unwrap().unwrap().version, "1");
        assert_eq!(fetched.installed(), None);
        for half in ["suite = \"s\"", "version = \"1\""] {
            let error = source(half).err().unwrap().to_string();
            assert!(error.contains("has only one of"), "{error}");
        }
    }

    #[test]
    fn what_a_series_has_itself_comes_after_or_instead_of_that_of_all() {
        let dir = tempfile::tempdir().unwrap();
        for file in [
            "common/letters/a.txt",
            "common/letters/b.txt",
            "common/config/kernel.config",
            "common/config/btf.config",
            "7.3/letters/b.txt",
            "7.3/config/kernel.config",
        ] {
            let path = dir.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "CONFIG_LTO_CLANG_THIN_COLLISIONS=n\n").unwrap();
        }
        let settings = "[source]\npackage = \"p\"\ntarball = \"/t\"\n\
                        [tools]\nbindgen = \"1\"\n[packages]\n";
        fs::write(dir.path().join("7.3/series.toml"), settings).unwrap();
        let series = Series::named_in(dir.path(), "7.3").unwrap();
        assert_eq!(
            series.letter("a.txt"),
            dir.path().join("common/letters/a.txt")
        );
        assert_eq!(series.letter("b.txt"), dir.path().join("7.3/letters/b.txt"));
        let configs = |link| {
            let configs = series.configs(link).into_iter();
            let relative = configs.map(|config| {
                let config = config.strip_prefix(dir.path()).unwrap().to_owned();
                config.to_string_lossy().into_owned()
            });
            relative.collect::<Vec<_>>()
        };
        let kernel = ["common/config/kernel.config", "7.3/config/kernel.config"];
        assert_eq!(configs(Link::Default), kernel);
        assert_eq!(configs(Link::Btf)[2..], ["common/config/btf.config"]);
        assert!(!series.finds_collisions(Link::Btf));
        let planted = dir.path().join("7.3/config/suffix-reduction.config");
        fs::write(planted, "CONFIG_LTO_CLANG_THIN_COLLISIONS=y\n").unwrap();
        assert!(series.finds_collisions(Link::SuffixReduction));
        assert!(!series.finds_collisions(Link::Default));
    }

    #[test]
    fn a_series_without_a_folder_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("6.12")).unwrap();
        fs::write(dir.path().join("6.12/series.toml"), "").unwrap();
        fs::create_dir(dir.path().join("draft")).unwrap();
        let error = |name| Series::named_in(dir.path(), name).err().unwrap();
        let none = error("6.13").to_string();
        assert!(
            none.ends_with("kernel 6.13; there are some for: 6.12"),
            "{none}"
        );
        let empty = format!("{:#}", error("6.12"));
        assert!(empty.contains("missing field `source`"), "{empty}");
    }
}
