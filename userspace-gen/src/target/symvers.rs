// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The exports of modules that are not given, from Module.symvers of a kernel's build, and the exports of
//! objects that modpost has not seen yet.

use super::exports::exports_of;
use super::module_name;
use crate::elf::ElfFile;
use crate::error::{Error, Result};
use crate::file::read_file;
use crate::file::sort::expect_text;
use crate::printable::shown;
use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

/// The exported symbols, by their names.
#[derive(Clone, Debug, Default)]
pub struct Symvers {
    exports: HashMap<Vec<u8>, SymversEntry>,
    before_modpost: HashSet<Vec<u8>>,
}

/// An export in Module.symvers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SymversEntry {
    /// The kernel's name of the exporting module; `vmlinux` for the kernel image.
    pub module: Vec<u8>,
    /// True if the symbol is for GPL modules only.
    pub gpl_only: bool,
    /// The namespace that a user has to import; empty if there is none.
    pub namespace: Vec<u8>,
}

impl Symvers {
    /// Reads files in the format of Module.symvers.
    ///
    /// # Errors
    ///
    /// A file cannot be read, or has a line of another form.
    pub fn open(paths: &[PathBuf]) -> Result<Self> {
        let mut symvers = Self::default();
        for path in paths {
            symvers.add(&path.display().to_string(), &read_file(path)?)?;
        }
        Ok(symvers)
    }

    /// Adds lines `<crc>\t<symbol>\t<module>\t<export type>[\t<namespace>]`.
    ///
    /// # Errors
    ///
    /// A line has another form.
    pub fn add(&mut self, origin: &str, text: &[u8]) -> Result<()> {
        expect_text(origin, "the text of Module.symvers", text)?;
        for (number, line) in (1..).zip(text.split(|&b| b == b'\n')) {
            let mut fields = line.split(|&b| b == b'\t').skip(1);
            let (symbol, module, kind) = (fields.next(), fields.next(), fields.next());
            let (Some(symbol), Some(module), Some(kind)) = (symbol, module, kind) else {
                if line.is_empty() {
                    continue;
                }
                return Err(Error::malformed(
                    origin,
                    format_args!(
                        "line {number}: expected '<crc>\\t<symbol>\\t<module>\\t<export>', found '{}'",
                        shown(line)
                    ),
                ));
            };
            // The file has the path of the module's object: `drivers/net/loopback`.
            let module = module.rsplit(|&b| b == b'/').next().unwrap_or(module);
            let listed = SymversEntry {
                module: module_name(module),
                gpl_only: kind.ends_with(b"_GPL"),
                namespace: fields.next().unwrap_or_default().to_vec(),
            };
            self.exports.insert(symbol.to_vec(), listed);
        }
        Ok(())
    }

    /// Adds the exports of an object that modpost reads in the same run.
    ///
    /// # Errors
    ///
    /// The file is malformed.
    pub fn add_object(&mut self, origin: &str, data: &[u8]) -> Result<()> {
        let elf = ElfFile::parse(origin.to_owned(), data)?;
        elf.expect_relocatable()?;
        let stem = Path::new(OsStr::from_bytes(origin.as_bytes())).file_stem();
        let module = module_name(stem.unwrap_or_default().as_bytes());
        for (name, export) in exports_of(&elf) {
            let listed = SymversEntry {
                module: module.clone(),
                gpl_only: export.gpl_only == Ok(true),
                namespace: export.namespace.ok().flatten().unwrap_or_default().to_vec(),
            };
            self.exports.insert(name.to_vec(), listed);
            self.before_modpost.insert(name.to_vec());
        }
        Ok(())
    }

    /// Returns true if modpost will find the export of a symbol itself.
    #[must_use]
    pub fn is_before_modpost(&self, symbol: &[u8]) -> bool {
        self.before_modpost.contains(symbol)
    }

    /// Returns the names of the exported symbols.
    pub fn names(&self) -> impl Iterator<Item = &[u8]> {
        self.exports.keys().map(Vec::as_slice)
    }

    /// Returns true if any symbol is listed as an export of `module`.
    #[must_use]
    pub fn lists(&self, module: &[u8]) -> bool {
        self.exports.values().any(|listed| listed.module == module)
    }

    /// Returns the export of a name.
    #[must_use]
    pub fn get(&self, symbol: &[u8]) -> Option<&SymversEntry> {
        self.exports.get(symbol)
    }
}
