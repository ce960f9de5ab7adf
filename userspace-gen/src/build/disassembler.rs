// SPDX-License-Identifier: GPL-2.0 OR MIT

//! `llvm-dis`, for many files in one run, and what reads an index that is too new for it.

use super::index::Index;
use super::ir::Ir;
use super::jobs::{each, run};
use super::kbuild::Invocation;
use crate::bitcode::{FatObjects, LinkInputs, Llvm};
use crate::error::{Error, Result};
use crate::file::read_file;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use tempfile::TempDir;

/// The beginning of what `llvm-dis` says of an index of a newer linker.
const TOO_NEW: &str = "Invalid summary version";

/// The tools that read a kernel's bitcode.
#[derive(Clone, Debug)]
pub struct Disassembler {
    program: String,
    analyzer: String,
}

impl Disassembler {
    /// Finds the `llvm-dis` that is new enough for a bitcode file.
    ///
    /// # Errors
    ///
    /// `PATH` has none.
    pub fn new(bitcode: &Path) -> Result<Self> {
        let inputs = LinkInputs::open(&[bitcode.to_owned()], FatObjects::Code)?;
        let tools = Llvm::Path.tools(inputs.bitcode())?;
        let [program, analyzer] = ["llvm-dis", "llvm-bcanalyzer"]
            .map(|name| tools.program(name).to_string_lossy().into_owned());
        Ok(Self { program, analyzer })
    }

    /// Returns the texts of bitcode files, in order.
    ///
    /// # Errors
    ///
    /// `llvm-dis` fails.
    pub fn texts(&self, files: &[impl AsRef<Path>]) -> Result<Vec<Vec<u8>>> {
        let cannot = |e| Error::io(&"cannot write a temporary file", e);
        let mut texts = Vec::with_capacity(files.len());
        // A command line only takes so many names.
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

    /// Returns the contents of two bitcode files, unless they compile to the same code and data.
    ///
    /// # Errors
    ///
    /// A file cannot be read, or `llvm-dis` fails.
    pub fn differing(&self, old: &Path, new: &Path) -> Result<Option<(Ir, Ir)>> {
        if read_file(old)? == read_file(new)? {
            return Ok(None);
        }
        let texts = self.texts(&[old, new])?;
        let mut files = texts.iter().map(|text| Ir::parse(text));
        let both = files.next().zip(files.next());
        Ok(both.filter(|(old, new)| !old.is_same(new)))
    }

    /// Returns the indexes in files that a linker wrote, in order.
    ///
    /// # Errors
    ///
    /// A tool fails.
    pub fn indexes(
        &self,
        jobs: usize,
        files: &[impl AsRef<Path> + Sync],
        rename: &(impl Fn(&str) -> String + Sync),
    ) -> Result<Vec<Index>> {
        match self.texts(files) {
            Ok(texts) => Ok(texts
                .iter()
                .map(|text| Index::from_text(text, rename))
                .collect()),
            Err(error) if error.to_string().contains(TOO_NEW) => {
                each(jobs, files, |file| self.dump(file.as_ref(), rename))
            }
            Err(error) => Err(error),
        }
    }

    /// Reads an index of a linker that is newer than `llvm-dis`: the bitcode of the compiler is not, and nobody has to
    /// have more of the linker's LLVM than the linker.
    fn dump(&self, file: &Path, rename: &impl Fn(&str) -> String) -> Result<Index> {
        let words = [&self.analyzer, "--dump", &file.to_string_lossy()].map(str::to_owned);
        let invocation = Invocation {
            words: words.to_vec(),
        };
        Ok(Index::from_dump(&run(&invocation, Path::new("."))?, rename))
    }
}
