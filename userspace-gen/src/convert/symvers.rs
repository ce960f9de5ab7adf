// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Module.symvers: what a kernel build exports.

use crate::elf::read_file;
use crate::error::{Error, Result};
use crate::shown::shown;
use std::collections::HashMap;
use std::path::PathBuf;

/// The exported symbols, and who exports them.
#[derive(Clone, Debug, Default)]
pub struct Symvers {
    exporters: HashMap<Vec<u8>, Vec<u8>>,
}

impl Symvers {
    /// Reads files of that format.
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
        for (number, line) in (1..).zip(text.split(|&b| b == b'\n')) {
            let mut fields = line.split(|&b| b == b'\t').skip(1);
            let (symbol, module) = (fields.next(), fields.next());
            let (Some(symbol), Some(module), Some(_)) = (symbol, module, fields.next()) else {
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
            // The module is the path of its object: `drivers/net/loopback`.
            let module = module.rsplit(|&b| b == b'/').next().unwrap_or(module);
            let module = crate::target::module_name(module);
            self.exporters.insert(symbol.to_vec(), module);
        }
        Ok(())
    }

    /// The names of the exported symbols.
    pub fn names(&self) -> impl Iterator<Item = &[u8]> {
        self.exporters.keys().map(Vec::as_slice)
    }

    /// The module that exports a symbol, `vmlinux` for the kernel image.
    #[must_use]
    pub fn exporter(&self, symbol: &[u8]) -> Option<&[u8]> {
        self.exporters.get(symbol).map(Vec::as_slice)
    }
}
