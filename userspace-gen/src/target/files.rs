// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The files that describe a target.

use super::module_name;
use crate::elf::{ElfFile, ElfInput};
use crate::error::Result;
use crate::file::read_file;
use crate::livepatch::Modinfo;
use std::path::{Path, PathBuf};

/// The files that describe a target, opened.
#[derive(Debug, Default)]
pub struct TargetFiles {
    pub(super) vmlinux: Option<ElfInput>,
    pub(super) modules: Vec<ModuleFile>,
    pub(super) kallsyms: Option<(PathBuf, Vec<u8>)>,
    pub(super) link_order: Option<(PathBuf, Vec<u8>)>,
}

#[derive(Debug)]
pub(super) struct ModuleFile {
    pub(super) path: PathBuf,
    pub(super) data: Vec<u8>,
    /// The module's name, made from the name of the file as kbuild does it, in case that the file does not
    /// contain the name.
    pub(super) stem: Vec<u8>,
}

impl ModuleFile {
    /// Returns true if the file has the name of a module. In directories of build ids, files have other
    /// names.
    pub(super) fn is_named_as_module(&self) -> bool {
        let name = self.path.file_name().unwrap_or_default().as_encoded_bytes();
        let name = name.strip_suffix(b".debug").unwrap_or(name);
        name.ends_with(b".ko")
    }
}

impl TargetFiles {
    /// Opens the files. Without a vmlinux, the symbols of the kernel image are those of the kallsyms text.
    ///
    /// # Errors
    ///
    /// A file cannot be read.
    pub fn open(
        vmlinux: Option<&Path>,
        modules: &[PathBuf],
        kallsyms: Option<&Path>,
    ) -> Result<Self> {
        let open = |path: &PathBuf| {
            Ok(ModuleFile {
                path: path.clone(),
                data: read_file(path)?,
                stem: module_name(stem(path)),
            })
        };
        Ok(Self {
            vmlinux: vmlinux.map(ElfInput::open).transpose()?,
            modules: modules.iter().map(open).collect::<Result<_>>()?,
            kallsyms: match kallsyms {
                Some(path) => Some((path.to_owned(), read_file(path)?)),
                None => None,
            },
            link_order: None,
        })
    }

    /// Adds the build's `vmlinux.a`, which lists the objects in link order. The link order tells the source
    /// file of each local symbol of vmlinux.
    ///
    /// # Errors
    ///
    /// The file cannot be read.
    pub fn with_link_order(mut self, archive: &Path) -> Result<Self> {
        self.link_order = Some((archive.to_owned(), read_file(archive)?));
        Ok(self)
    }
}

/// Returns the name of the module in a file: the name in its modinfo, or else the name of the file, if the
/// file cannot be read or was not built yet.
#[must_use]
pub fn module_in(path: &Path) -> Vec<u8> {
    let data = read_file(path).unwrap_or_default();
    let elf = ElfFile::parse(path.display().to_string(), &data[..]).ok();
    let name = elf.and_then(|elf| Some(Modinfo::of(&elf).ok()?.get(b"name")?.to_vec()));
    name.unwrap_or_else(|| module_name(stem(path)))
}

/// Returns the name of a file, without `.ko`, and without the `.debug` of debug packages.
fn stem(path: &Path) -> &[u8] {
    let name = path.file_name().unwrap_or_default();
    let debug = path
        .extension()
        .is_some_and(|extension| extension == "debug");
    let name = if debug {
        path.file_stem().unwrap_or(name)
    } else {
        name
    };
    let stem = Path::new(name).file_stem();
    stem.unwrap_or(name).as_encoded_bytes()
}
