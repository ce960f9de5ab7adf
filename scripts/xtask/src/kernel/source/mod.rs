// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The kernel source before any change: Debian's package, or a tree of the user's own.

pub mod files;
mod mirror;

use super::link::Link;
use super::series::{Series, SourcePackage};
use crate::host::packages::{self, Package};
use crate::host::{paths, run};
use anyhow::{bail, ensure, Context, Result};
use mirror::Mode;
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Unpacks the source.
const XZ: Package = ("xz-utils", "/usr/bin/xz");

/// The place that a source tree is had from.
pub enum Origin {
    /// The package of Debian's that a series names.
    Package(Series),
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
            Self::Package(series) => Ok(series.clone()),
            Self::Tree(tree) => Series::named(&series_of(&version(tree)?)),
        }
    }

    /// Returns the packages that have the source, and unpack it.
    pub fn packages(&self) -> Vec<Package<'_>> {
        match self {
            Self::Package(series) => vec![series.source.package(), XZ],
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
    /// A hash of its content, or of its files' sizes and times where it is the user's.
    pub fingerprint: String,
    mode: Mode,
}

impl Source {
    /// Finds the tree; installs and unpacks the distribution's if that was not done before.
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
                let hash = hash_file(Path::new(&series.source.tarball))?;
                (unpacked(&series.source, &hash, logs)?, hash, Mode::Link)
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

fn hash_file(path: &Path) -> Result<String> {
    let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(file)?;
    Ok(hasher.finalize().to_hex().to_string())
}

fn unpacked(source: &SourcePackage, hash: &str, logs: &Path) -> Result<PathBuf> {
    let sources = paths::cache()?.join("source");
    let tree = sources.join(format!("{}-{}", source.package, &hash[..12]));
    if tree.exists() {
        return Ok(tree);
    }
    // Of two that unpack at the same time each has a directory, and the second is thrown away.
    let partial = paths::scratch_in(&sources)?;
    let log = logs.join("unpack.log");
    unpack(Path::new(&source.tarball), partial.path(), &log)?;
    if fs::rename(partial.path(), &tree).is_ok() {
        // Not temporary any more.
        let _ = partial.keep();
    }
    Ok(tree)
}

/// Unpacks the tree in a tarball into a directory.
///
/// # Errors
///
/// Fails if `tar` does.
pub fn unpack(tarball: &Path, to: &Path, log: &Path) -> Result<()> {
    let mut tar = Command::new("tar");
    tar.args(["--use-compress-program=xz -T0", "--strip-components=1"])
        .arg("-xf")
        .arg(tarball)
        .arg("-C")
        .arg(to);
    run::logged("unpack the kernel source", &mut tar, log)
}

/// Returns the first two numbers of a version.
fn series_of(version: &str) -> String {
    let numbers: Vec<_> = version.splitn(3, '.').take(2).collect();
    numbers.join(".")
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
