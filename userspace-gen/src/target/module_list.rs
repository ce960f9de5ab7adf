// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The modules of a kernel's build, from kbuild's modules.order and modules.builtin.

use super::module_name;
use crate::error::{Error, Result};
use crate::file::read_file;
use crate::printable::shown;
use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

/// A module of a build.
#[derive(Clone, Debug)]
pub struct BuiltModule {
    /// The name as the kernel has it.
    pub name: Vec<u8>,
    /// The file.
    pub path: PathBuf,
}

impl BuiltModule {
    /// Reads a line of modules.order or modules.builtin: a `.ko`; in modules.order, a `.o` since 6.2.
    #[must_use]
    pub(super) fn read(line: &[u8]) -> Option<Self> {
        let path = Path::new(OsStr::from_bytes(line));
        let extension = path.extension()?;
        if extension != "ko" && extension != "o" {
            return None;
        }
        Some(Self {
            name: module_name(path.file_stem()?.as_bytes()),
            path: path.with_extension("ko"),
        })
    }
}

/// The modules of builds, by their names.
#[derive(Clone, Debug, Default)]
pub struct ModuleLists {
    files: HashMap<Vec<u8>, PathBuf>,
    built_in: HashSet<Vec<u8>>,
}

impl ModuleLists {
    /// Adds the modules of a modules.order. If two modules have the same name, the first one counts.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or is no modules.order.
    pub fn add_order(&mut self, path: &Path) -> Result<()> {
        let directory = path.parent().unwrap_or(Path::new(""));
        for module in modules_of(path)? {
            // Paths are relative to kbuild's directory, which may be another directory for external modules.
            let beside = directory.join(&module.path);
            let is_there = beside.exists() || beside.with_extension("o").exists();
            let file = if is_there { beside } else { module.path };
            self.files.entry(module.name).or_insert(file);
        }
        Ok(())
    }

    /// Adds the modules of a modules.builtin, which are part of vmlinux.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or is no modules.builtin.
    pub fn add_built_in(&mut self, path: &Path) -> Result<()> {
        let names = modules_of(path)?.into_iter().map(|module| module.name);
        self.built_in.extend(names);
        Ok(())
    }

    /// Returns the file of a module. The file may not be built yet.
    #[must_use]
    pub fn file(&self, name: &[u8]) -> Option<&Path> {
        self.files.get(name).map(PathBuf::as_path)
    }

    /// Returns true if a module is part of vmlinux.
    #[must_use]
    pub fn is_built_in(&self, name: &[u8]) -> bool {
        self.built_in.contains(name)
    }

    /// Returns the names of all modules that are not part of vmlinux.
    pub fn names(&self) -> impl Iterator<Item = &[u8]> {
        self.files.keys().map(Vec::as_slice)
    }
}

fn modules_of(path: &Path) -> Result<Vec<BuiltModule>> {
    let text = read_file(path)?;
    let lines = (1..).zip(text.split(|&b| b == b'\n'));
    lines
        .filter(|(_, line)| !line.is_empty())
        .map(|(number, line)| {
            BuiltModule::read(line).ok_or_else(|| {
                Error::malformed(
                    &path.display().to_string(),
                    format_args!(
                        "line {number}: expected the path of a module, found '{}' (give the \
                         modules.order or modules.builtin of a kernel's build)",
                        shown(line)
                    ),
                )
            })
        })
        .collect()
}
