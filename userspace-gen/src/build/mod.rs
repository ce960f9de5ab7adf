// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Makes a livepatch from a source patch, for a kernel that was built with ThinLTO.
//!
//! A ThinLTO link first does a small *thin link*, which decides from summaries what each file imports,
//! exports and promotes. Then it compiles each file by itself. So a source patch can only change the files
//! that it touches, and the files that import something that changed there. The steps, one file each:
//!
//! | step | file | yields |
//! | --- | --- | --- |
//! | the build directory | [`kernel`], [`kbuild`] | compile lines, link order, link line |
//! | the patched sources | [`patches`], [`lines`], [`shadow`] | a copy beside the tree, under the names of the tree |
//! | the files to compile | [`changed`], [`compile`], [`proof`], [`ir`] | the patched files, and the dependants of patched headers |
//! | the thin links | [`thin_link`], [`index`] | what every file imports, before and after |
//! | the backends | [`backends`], [`pairs`](mod@pairs) | [`Pairs`]: object files before and after |
//!
//! All later steps only use [`Pairs`]. Where variables of one name cannot be told apart by their code, [`declared`] asks
//! the compiler where they are declared.

pub mod backends;
pub mod cache;
pub mod calls;
pub mod changed;
pub mod code;
pub mod compare;
pub mod compile;
pub mod declared;
pub mod disassembler;
pub mod extract;
pub mod finish;
pub mod identity;
pub mod index;
pub mod ir;
pub mod jobs;
pub mod kbuild;
pub mod kernel;
pub mod lines;
pub mod link;
pub mod pairs;
pub mod patches;
mod path;
pub mod progress;
pub mod proof;
mod refusal;
pub mod shadow;
pub mod shape;
pub mod thin_link;

pub use kernel::KernelBuild;
pub use pairs::{pairs, Pairs};
pub use progress::Progress;
pub use refusal::{BuildRefusal, RefusalKind};

use crate::error::{Error, ErrorKind, Result};
use std::env;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// The object of the kernel that a file is linked into.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KbuildObject {
    /// The kernel image.
    Vmlinux,
    /// A module, by its path below the build directory without `.ko`: `net/ipv6/ipv6`.
    Module(PathBuf),
}

impl KbuildObject {
    /// Returns the name of the object in a livepatch: `vmlinux`, or `KBUILD_MODNAME` of a module.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Vmlinux => "vmlinux".to_owned(),
            Self::Module(path) => {
                let name = path.file_name().unwrap_or_default();
                name.to_string_lossy().replace('-', "_")
            }
        }
    }
}

/// The reason for which the code of a file may change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The patch changes the file.
    Patched,
    /// The patch changes a header that the file includes, by its path in the source tree.
    Header(PathBuf),
    /// The file imports a function or variable with changed code or data.
    Imports {
        /// The name of the function or variable.
        name: String,
        /// The file that has the function or variable, by kbuild's name: `mm/slab_common.o`.
        from: PathBuf,
    },
    /// The thin link decides otherwise about a symbol of the file: to export, to promote or to keep it.
    Linkage {
        /// The symbol, if its name is known. An index only has hashes of names.
        name: Option<String>,
    },
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Patched => f.write_str("the patch"),
            Self::Header(header) => write!(f, "includes {}", header.display()),
            Self::Imports { name, from } => write!(f, "imports {name} of {}", from.display()),
            Self::Linkage { name: Some(name) } => write!(f, "the linkage of {name} changes"),
            Self::Linkage { name: None } => {
                f.write_str("the linkage of one of its symbols changes")
            }
        }
    }
}

/// A C file with code that may have changed, compiled before and after.
#[derive(Clone, Debug)]
pub struct Unit {
    /// The object that the file is linked into.
    pub object: KbuildObject,
    /// The name that kbuild has for it, below the build directory: `mm/slab_common.o`.
    pub kbuild_path: PathBuf,
    /// The C file, below the source tree (or below the build directory if the build made it):
    /// `mm/slab_common.c`.
    pub source: PathBuf,
    /// The ELF object of the original file: one section for each function and variable, before objtool.
    pub original: PathBuf,
    /// The ELF object of the patched file, in the same form.
    pub patched: PathBuf,
    /// The reason for which its code may differ.
    pub reason: Reason,
}

/// The request for a livepatch: the options of `klp-gen build`.
#[derive(Clone, Debug)]
pub struct BuildRequest {
    /// The source patches, to be applied one after the other.
    pub patches: Vec<PathBuf>,
    /// The number of processes that may run at a time.
    pub jobs: usize,
    /// The program in front of every compile line, with its arguments.
    pub launcher: Vec<String>,
    /// The directory of the cache.
    pub cache: PathBuf,
    /// The directory for intermediate files, if they are to be kept.
    pub keep: Option<PathBuf>,
    /// True to compile all files that include a patched header, however many they are.
    pub all: bool,
}

impl BuildRequest {
    /// Makes the directory for intermediate files.
    fn work_directory(&self) -> Result<WorkDirectory> {
        let Some(keep) = &self.keep else {
            expect_no_space(&env::temp_dir(), "set TMPDIR to another directory")?;
            let directory = tempfile::Builder::new().prefix("klp-gen-").tempdir();
            let directory =
                directory.map_err(|e| Error::io(&"cannot make a temporary directory", e))?;
            return Ok(WorkDirectory::Temporary(directory));
        };
        expect_no_space(keep, "give another directory")?;
        let cannot = |e| Error::io(&format_args!("cannot write {}", keep.display()), e);
        fs::create_dir_all(keep).map_err(cannot)?;
        if fs::read_dir(keep).map_err(cannot)?.next().is_some() {
            let what = format!(
                "{}: expected a new or empty directory for intermediate files, found one with files in it",
                keep.display()
            );
            return Err(Error::new(ErrorKind::Refused, what));
        }
        Ok(WorkDirectory::Kept(fs::canonicalize(keep).map_err(cannot)?))
    }
}

/// Refuses a directory in which make cannot build: make splits names at spaces.
fn expect_no_space(directory: &Path, advice: &str) -> Result<()> {
    let absolute = std::path::absolute(directory).unwrap_or_else(|_| directory.to_owned());
    if !absolute.to_string_lossy().contains(char::is_whitespace) {
        return Ok(());
    }
    let what = format!(
        "{}: expected a directory without spaces in its path, in which make can build ({advice})",
        absolute.display()
    );
    Err(Error::new(ErrorKind::Refused, what))
}

/// A directory for intermediate files.
#[derive(Debug)]
pub enum WorkDirectory {
    /// A directory that is removed afterwards.
    Temporary(TempDir),
    /// The directory of `--keep`.
    Kept(PathBuf),
}

impl WorkDirectory {
    /// Returns the path of the directory.
    #[must_use]
    pub fn path(&self) -> &std::path::Path {
        match self {
            Self::Temporary(directory) => directory.path(),
            Self::Kept(path) => path,
        }
    }
}

/// The result of a step: a value, or the refusals.
pub type Refusable<T> = std::result::Result<T, Vec<BuildRefusal>>;
