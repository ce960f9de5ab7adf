// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The modules of a kernel's build: modules.order and modules.builtin, which kbuild writes.

use super::module_name;
use crate::error::{Error, Result};
use crate::file::read_file;
use crate::shown::shown;
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
    /// Reads a line of modules.order or modules.builtin: a `.ko`, since kernel 6.2 a `.o` in the former.
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

/// The modules that builds made, by their names.
#[derive(Clone, Debug, Default)]
pub struct ModuleLists {
    files: HashMap<Vec<u8>, PathBuf>,
    built_in: HashSet<Vec<u8>>,
}

impl ModuleLists {
    /// Adds the modules of a modules.order. Of two modules of one name, the first counts.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or is no modules.order.
    pub fn add_order(&mut self, path: &Path) -> Result<()> {
        let directory = path.parent().unwrap_or(Path::new(""));
        for module in modules_of(path)? {
            // Paths begin where kbuild ran, which may be another directory for external modules.
            let beside = directory.join(&module.path);
            let is_there = beside.exists() || beside.with_extension("o").exists();
            let file = if is_there { beside } else { module.path };
            self.files.entry(module.name).or_insert(file);
        }
        Ok(())
    }

    /// Adds the modules of a modules.builtin: those that are in vmlinux.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or is no modules.builtin.
    pub fn add_built_in(&mut self, path: &Path) -> Result<()> {
        let names = modules_of(path)?.into_iter().map(|module| module.name);
        self.built_in.extend(names);
        Ok(())
    }

    /// Returns the file of a module, whether or not it was built already.
    #[must_use]
    pub fn file(&self, name: &[u8]) -> Option<&Path> {
        self.files.get(name).map(PathBuf::as_path)
    }

    /// Says whether a module is part of vmlinux.
    #[must_use]
    pub fn is_built_in(&self, name: &[u8]) -> bool {
        self.built_in.contains(name)
    }

    /// Returns the names of all modules that are no part of vmlinux.
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
