// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The directory in which a kernel was built. Its files help to explain a name that no given file has.
//!
//! All files may be missing, as beside a distribution's vmlinux. A missing file is no error.

use super::{link_order, BuiltModule, Symvers};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

/// The directory of a vmlinux.
#[derive(Clone, Debug)]
pub struct BuildDirectory {
    path: PathBuf,
}

impl BuildDirectory {
    /// Returns the directory of `vmlinux`.
    #[must_use]
    pub fn of(vmlinux: &Path) -> Self {
        let path = vmlinux.parent().unwrap_or(Path::new(""));
        Self {
            path: path.to_owned(),
        }
    }

    /// Returns the path of the directory; the empty path stands for the working directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the modules that `modules.order` lists.
    #[must_use]
    pub fn modules(&self) -> Vec<BuiltModule> {
        self.listed("modules.order")
    }

    /// Returns the modules that are part of vmlinux, as `modules.builtin` lists them.
    #[must_use]
    pub fn built_in(&self) -> Vec<BuiltModule> {
        self.listed("modules.builtin")
    }

    fn listed(&self, list: &str) -> Vec<BuiltModule> {
        let list = self.read(list).unwrap_or_default();
        let modules = list.split(|&b| b == b'\n').filter_map(BuiltModule::read);
        let here = |module: BuiltModule| BuiltModule {
            path: self.path.join(module.path),
            ..module
        };
        modules.map(here).collect()
    }

    /// Returns the exports of the build, and the file that lists them.
    #[must_use]
    pub fn symvers(&self) -> Option<(PathBuf, Symvers)> {
        let path = self.path.join("Module.symvers");
        let text = self.read("Module.symvers")?;
        let mut symvers = Symvers::default();
        symvers.add(&path.display().to_string(), &text).ok()?;
        Some((path, symvers))
    }

    /// Returns the objects of the kernel image, as `vmlinux.a` lists them.
    #[must_use]
    pub fn linked(&self) -> Vec<PathBuf> {
        let archive = self.read("vmlinux.a").unwrap_or_default();
        let members = link_order::read("vmlinux.a", &archive).unwrap_or_default();
        members.into_iter().map(path_of).collect()
    }

    /// Returns the objects of a module, as kbuild lists them beside the module's file.
    #[must_use]
    pub fn linked_into(&self, module: &Path) -> Vec<PathBuf> {
        let list = read_regular(&module.with_extension("mod")).unwrap_or_default();
        lines(&list).map(Path::to_owned).collect()
    }

    /// Returns the contents of a source file, which is in the kernel's tree or was made by the build.
    #[must_use]
    pub fn source(&self, path: &Path) -> Option<Vec<u8>> {
        let directories = [self.source_tree(), self.path.clone()];
        let mut places = directories.iter().map(|directory| directory.join(path));
        places.find_map(|place| read_regular(&place))
    }

    /// Returns the kernel's tree. If the build is in another directory, kbuild makes a link to the tree.
    #[must_use]
    pub fn source_tree(&self) -> PathBuf {
        let link = self.path.join("source");
        if link.is_dir() {
            link
        } else {
            self.path.clone()
        }
    }

    fn read(&self, name: &str) -> Option<Vec<u8>> {
        read_regular(&self.path.join(name))
    }
}

/// Returns the contents of a file; nothing if it is no regular file, or cannot be read.
#[must_use]
pub fn read_regular(path: &Path) -> Option<Vec<u8>> {
    let is_file = fs::metadata(path).is_ok_and(|metadata| metadata.is_file());
    is_file.then(|| fs::read(path).ok())?
}

fn lines(text: &[u8]) -> impl Iterator<Item = &Path> {
    let lines = text.split(|&b| b == b'\n');
    lines
        .filter(|line| !line.is_empty())
        .map(|line| Path::new(OsStr::from_bytes(line)))
}

pub(super) fn path_of(name: &[u8]) -> PathBuf {
    PathBuf::from(OsStr::from_bytes(name))
}
