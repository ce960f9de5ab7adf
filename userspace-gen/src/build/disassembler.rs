// SPDX-License-Identifier: GPL-2.0 OR MIT

//! `llvm-dis`, for many files in one run.

use super::jobs::run;
use super::kbuild::Invocation;
use crate::bitcode::{FatObjects, Inputs, Llvm};
use crate::error::{Error, Result};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use tempfile::TempDir;

/// The `llvm-dis` that reads a kernel's bitcode.
#[derive(Debug)]
pub struct Disassembler {
    program: String,
}

impl Disassembler {
    /// Finds the `llvm-dis` that is new enough for a bitcode file.
    ///
    /// # Errors
    ///
    /// `PATH` has none.
    pub fn new(bitcode: &Path) -> Result<Self> {
        let inputs = Inputs::open(&[bitcode.to_owned()], FatObjects::Code)?;
        let tools = Llvm::Path.tools(inputs.bitcode())?;
        let program = tools.program("llvm-dis").to_string_lossy().into_owned();
        Ok(Self { program })
    }

    /// Returns the texts of bitcode files, in order.
    ///
    /// # Errors
    ///
    /// `llvm-dis` fails.
    pub fn texts(&self, files: &[impl AsRef<Path>]) -> Result<Vec<Vec<u8>>> {
        let cannot = |e| Error::io(&"cannot write a temporary file", e);
        let mut texts = Vec::with_capacity(files.len());
        // As many names as a command line takes.
        for part in files.chunks(1000) {
            // One run for many files writes each text beside its file.
            let directory = TempDir::new().map_err(cannot)?;
            let mut words = vec![self.program.clone()];
            for (number, file) in part.iter().enumerate() {
                let link = format!("{number}.bc");
                symlink(file, directory.path().join(&link)).map_err(cannot)?;
                words.push(link);
            }
            run(&Invocation { words }, directory.path())?;
            for number in 0..part.len() {
                texts
                    .push(fs::read(directory.path().join(format!("{number}.ll"))).map_err(cannot)?);
            }
        }
        Ok(texts)
    }
}
