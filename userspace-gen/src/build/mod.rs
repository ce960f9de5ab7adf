// SPDX-License-Identifier: GPL-2.0 OR MIT

//! A livepatch from a source patch, on a kernel that was built with ThinLTO.
//!
//! A ThinLTO link compiles each file by itself, once a small *thin link* has decided from summaries what the file
//! imports, exports and promotes. So a source patch can only change the files that it touches, and the files
//! that import what it changed. The steps, one file each:
//!
//! | step | file | yields |
//! | --- | --- | --- |
//! | the build directory | [`kernel`], [`kbuild`] | compile lines, link order, link line |
//! | the patched sources | `shadow` | a copy beside the tree, under the names of the tree |
//! | the files to compile | `changed` | the patched files, and the dependants of patched headers |
//! | the thin links | `thin_link` | what every file imports, before and after |
//! | the backends | `backends` | [`Pairs`]: object files before and after |
//!
//! Everything behind that only sees [`Pairs`].

pub mod kbuild;
pub mod kernel;
pub mod progress;

pub use kernel::KernelBuild;
pub use progress::Progress;

use std::fmt;
use std::path::PathBuf;
use tempfile::TempDir;

/// The object of the kernel that a file is linked into.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Object {
    /// The kernel image.
    Vmlinux,
    /// A module, by its path below the build directory without `.ko`: `net/ipv6/ipv6`.
    Module(PathBuf),
}

impl Object {
    /// Returns the name of the object as a livepatch says it: `vmlinux`, or `KBUILD_MODNAME` of a module.
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

/// The reason for which a file may have other code than before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The patch changes the file.
    Patched,
    /// The patch changes a header that the file includes, by its path in the source tree.
    Header(PathBuf),
    /// The file imports a function or variable whose code or data changed.
    Imports {
        /// The name of the function or variable.
        name: String,
        /// The file that has it, as kbuild calls it: `mm/slab_common.o`.
        from: PathBuf,
    },
    /// The thin link decides otherwise about a symbol of the file: whether it is exported, promoted or kept.
    Linkage {
        /// The symbol, if it has a name in the index.
        name: String,
    },
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Patched => f.write_str("the patch"),
            Self::Header(header) => write!(f, "includes {}", header.display()),
            Self::Imports { name, from } => write!(f, "imports {name} of {}", from.display()),
            Self::Linkage { name } => write!(f, "{name} is linked in another way"),
        }
    }
}

/// One C file whose code may have changed, compiled before and after.
#[derive(Clone, Debug)]
pub struct Unit {
    /// The object that the file is linked into.
    pub object: Object,
    /// The name that kbuild has for it, below the build directory: `mm/slab_common.o`.
    pub kbuild_path: PathBuf,
    /// The C file, below the source tree (or below the build directory if the build made it): `mm/slab_common.c`.
    pub source: PathBuf,
    /// The ELF object of the original file: one section for each function and variable, before objtool.
    pub original: PathBuf,
    /// The ELF object of the patched file, in the same form.
    pub patched: PathBuf,
    /// The reason for which it may differ.
    pub reason: Reason,
}

/// Every file whose code may have changed.
#[derive(Debug)]
pub struct Pairs {
    /// The files, those of vmlinux first and in link order, then the modules.
    pub units: Vec<Unit>,
    /// A directory for intermediate files, gone when this is dropped unless it is to be kept.
    pub directory: WorkDirectory,
}

/// A directory for intermediate files.
#[derive(Debug)]
pub enum WorkDirectory {
    /// One that is removed afterwards.
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

/// A reason for which the patch cannot be a livepatch: an honest no, not an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The function, variable or file that it is about.
    pub subject: String,
    /// What is wrong with it and what to do.
    pub reason: String,
}

/// The result of a step: a value, or the reasons for which there can be none.
pub type Answer<T> = std::result::Result<T, Vec<Refusal>>;
