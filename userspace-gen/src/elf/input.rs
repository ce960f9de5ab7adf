// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Opens a large ELF file of which only some parts will be read.

use super::ElfFile;
use crate::error::{Error, ErrorKind, Result};
use crate::file::read::describe;
use crate::file::sort::expect_uncompressed_image;
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
    /// Opens a file, without reading it.
    ///
    /// # Errors
    ///
    /// The file cannot be opened, or is not a regular file.
    pub fn open(path: &Path) -> Result<Self> {
        if path == Path::new("-") {
            let what =
                "-: expected a regular file, found stdin (write ./- for a file of that name)";
            return Err(Error::new(ErrorKind::Unsupported, what));
        }
        let io = |e| Error::io(&format_args!("cannot read {}", path.display()), e);
        // The check comes before open(), which would wait for a writer of a FIFO.
        let kind = fs::metadata(path).map_err(io)?.file_type();
        if !kind.is_file() {
            let (path, found) = (path.display(), describe(kind));
            let what = format!("{path}: expected a regular file, found {found}");
            return Err(Error::new(ErrorKind::Unsupported, what));
        }
        let file = File::open(path).map_err(io)?;
        Ok(Self {
            path: path.to_owned(),
            cache: ReadCache::new(file),
        })
    }

    /// Reads the headers and the symbol table.
    ///
    /// # Errors
    ///
    /// The file is no 64-bit ELF file, or truncated.
    pub fn parse(&self) -> Result<ElfFile<'_, &ReadCache<File>>> {
        let origin = self.path.display().to_string();
        expect_uncompressed_image(&origin, &self.cache)?;
        ElfFile::parse(origin, &self.cache)
    }
}
