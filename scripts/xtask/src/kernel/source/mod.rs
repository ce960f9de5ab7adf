// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The kernel source before any change: Debian's package, or a tree of the user's own.

pub mod files;
mod mirror;
pub mod package;

use super::link::Link;
use super::series::Series;
use crate::host::packages::{self, Package};
use anyhow::{bail, ensure, Context, Result};
use mirror::Mode;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Unpacks the source.
const XZ: Package = ("xz-utils", "/usr/bin/xz");

/// The place that a source tree is had from.
pub enum Origin {
    /// The package of Debian's that a series names.
    Package(Box<Series>),
    /// A tree of the user's own.
    Tree(PathBuf),
}

impl Origin {
    /// Returns the series that the source belongs to.
    ///
    /// # Errors
    ///
    /// Fails if a tree has no version, or one of no series.
    pub fn series(&self) -> Result<Series> {
        match self {
            Self::Package(series) => Ok((**series).clone()),
            Self::Tree(tree) => Series::named(&series_of(&version(tree)?)),
        }
    }

    /// Returns the packages that have the source, and unpack it.
    pub fn packages(&self) -> Vec<Package<'_>> {
        match self {
            Self::Package(series) => series.source.installed().into_iter().chain([XZ]).collect(),
            Self::Tree(_) => Vec::new(),
        }
    }
}

/// A kernel source tree that is only read.
pub struct Source {
    /// The tree.
    pub pristine: PathBuf,
    /// Its version, such as `6.12.117`.
    pub version: String,
    /// The series of that version.
    pub series: Series,
    /// A hash of its content, or of its files' sizes and times where it is the user's; a pinned package with its version.
    pub fingerprint: String,
    mode: Mode,
}

impl Source {
    /// Finds the tree; installs or fetches a package and unpacks it if that was not done before.
    ///
    /// # Errors
    ///
    /// Fails if there is no usable tree.
    pub fn find(origin: &Origin, logs: &Path) -> Result<Self> {
        let (pristine, fingerprint, mode) = match origin {
            Origin::Tree(tree) => {
                let tree = fs::canonicalize(tree)
                    .with_context(|| format!("cannot find {}", tree.display()))?;
                for left_over in [".config", "include/config"] {
                    if tree.join(left_over).exists() {
                        bail!(
                            "{} has been built in (it has {left_over}); run `make mrproper` there",
                            tree.display()
                        );
                    }
                }
                let fingerprint = mirror::fingerprint(&tree)?;
                (tree, fingerprint, Mode::Copy)
            }
            Origin::Package(series) => {
                packages::install(origin.packages(), logs)?;
                let (tree, fingerprint) = package::tree(series, logs)?;
                (tree, fingerprint, Mode::Link)
            }
        };
        let (version, series) = (version(&pristine)?, origin.series()?);
        ensure!(
            series_of(&version) == series.name,
            "{} has Linux {version}, but is the source of kernel {}",
            pristine.display(),
            series.name
        );
        Ok(Self {
            pristine,
            version,
            series,
            fingerprint,
            mode,
        })
    }

    /// The name of the directory that a build of this source by these tools lives in.
    ///
    /// Of a user's tree the place is hashed and not the content, so that a changed tree is built again
    /// in the same directory.
    pub fn directory_name(&self, link: Link, tools: &str) -> String {
        let mut hasher = blake3::Hasher::new();
        match self.mode {
            Mode::Link => hasher.update(self.fingerprint.as_bytes()),
            Mode::Copy => hasher.update(self.pristine.as_os_str().as_encoded_bytes()),
        };
        hasher.update(tools.as_bytes());
        let link = match link {
            Link::Default => String::new(),
            Link::SuffixReduction | Link::Btf => format!("-{}", link.name()),
        };
        let hash = &hasher.finalize().to_hex()[..12];
        format!("{}{link}-{hash}", self.version)
    }

    /// Brings the files of the tree, except `changed` ones, to `tree`.
    ///
    /// # Errors
    ///
    /// Fails if something cannot be read or written.
    pub fn mirror(&self, tree: &Path, changed: &BTreeSet<String>) -> Result<()> {
        mirror::mirror(&self.pristine, tree, self.mode, changed)
    }
}

/// Returns the first two numbers of a version.
fn series_of(version: &str) -> String {
    let numbers: Vec<_> = version.splitn(3, '.').take(2).collect();
    numbers.join(".")
}

/// Makes `copy` a copy of a tree. Its files are hard links: whoever works in the copy may replace them, and has to leave
/// their contents alone.
///
/// # Errors
///
/// Fails if something cannot be read or written.
pub fn linked_copy(tree: &Path, copy: &Path) -> Result<()> {
    mirror::mirror(tree, copy, Mode::Link, &BTreeSet::new())
}

fn version(tree: &Path) -> Result<String> {
    let makefile = tree.join("Makefile");
    let text = fs::read_to_string(&makefile)
        .with_context(|| format!("{} is not a kernel tree", tree.display()))?;
    let field = |name: &str| {
        text.lines().find_map(|line| {
            let (key, value) = line.split_once('=')?;
            (key.trim() == name).then(|| value.trim().to_owned())
        })
    };
    let parts: Option<Vec<_>> = ["VERSION", "PATCHLEVEL", "SUBLEVEL"]
        .into_iter()
        .map(field)
        .collect();
    let parts = parts.with_context(|| format!("{} names no version", makefile.display()))?;
    Ok(parts.join("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_read_from_the_makefile() {
        let dir = tempfile::tempdir().unwrap();
        let makefile = "# SPDX\nVERSION = 6\nPATCHLEVEL = 12\nSUBLEVEL = 117\nEXTRAVERSION =\n";
        fs::write(dir.path().join("Makefile"), makefile).unwrap();
        let version = version(dir.path()).unwrap();
        assert_eq!(version, "6.12.117");
        assert_eq!(series_of(&version), "6.12");
    }

    #[test]
    fn a_directory_without_a_kernel_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let error = version(dir.path()).unwrap_err().to_string();
        assert!(error.contains("not a kernel tree"), "{error}");
    }
}
