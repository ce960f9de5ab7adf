// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Opening files.

use crate::elf::ElfFile;
use crate::error::{Error, Result};
use object::read::ReadCache;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

/// A large ELF file of which only some parts will be read.
#[derive(Debug)]
pub struct ElfInput {
    path: PathBuf,
    cache: ReadCache<File>,
}

impl ElfInput {
    /// Opens a file; nothing is read yet.
    ///
    /// # Errors
    ///
    /// The file cannot be opened.
    pub fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(|e| Error::io(&path.display(), e))?;
        Ok(Self {
            path: path.to_owned(),
            cache: ReadCache::new(file),
        })
    }

    /// Reads the headers and the symbol table.
    ///
    /// # Errors
    ///
    /// It is no 64-bit ELF file, or a truncated one.
    pub fn parse(&self) -> Result<ElfFile<'_, &ReadCache<File>>> {
        ElfFile::parse(self.path.display().to_string(), &self.cache)
    }
}

/// Reads a whole file.
///
/// # Errors
///
/// The file cannot be read.
pub fn read_file(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(|e| Error::io(&path.display(), e))
}
