// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Both versions of a file: of the running kernel, and with the patch.

use crate::build::code::{Code, Layouts};
use crate::build::Unit;
use crate::error::Result;
use crate::file::read_file;
use std::path::Path;

/// The build: before or after the patch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// The running kernel.
    Original,
    /// The kernel with the patch.
    Patched,
}

/// The bytes of both versions of a file.
#[derive(Debug)]
pub struct Files {
    /// The bytes of the original file.
    pub original: Vec<u8>,
    /// The bytes of the patched file.
    pub patched: Vec<u8>,
}

impl Files {
    /// Reads both versions of a file.
    ///
    /// # Errors
    ///
    /// A file cannot be read.
    pub fn read(unit: &Unit) -> Result<Self> {
        Ok(Self {
            original: read_file(&unit.original)?,
            patched: read_file(&unit.patched)?,
        })
    }
}

/// Both versions of a file, cut into functions and variables.
#[derive(Debug)]
pub struct Versions<'d> {
    /// The file of the running kernel.
    pub original: Code<'d>,
    /// The file with the patch.
    pub patched: Code<'d>,
}

impl<'d> Versions<'d> {
    /// Reads both versions of a file.
    ///
    /// # Errors
    ///
    /// A file is malformed.
    pub fn parse(unit: &Unit, files: &'d Files, layouts: &Layouts) -> Result<Self> {
        let name = |path: &Path| path.display().to_string();
        Ok(Self {
            original: Code::read(name(&unit.original), &files.original, layouts)?,
            patched: Code::read(name(&unit.patched), &files.patched, layouts)?,
        })
    }

    /// Returns one version.
    #[must_use]
    pub fn of(&self, side: Side) -> &Code<'d> {
        match side {
            Side::Original => &self.original,
            Side::Patched => &self.patched,
        }
    }
}
