// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Changes of what a module says about itself, and of what it calls its symbols.

use crate::module::Module;
use anyhow::{ensure, Result};

impl Module {
    /// Puts `key=value` in the place of the string with that key; none removes it.
    ///
    /// # Errors
    ///
    /// There is no `.modinfo`.
    pub fn modinfo(&mut self, key: &str, value: Option<&str>) -> Result<()> {
        let section = self.section(".modinfo")?;
        let old = std::mem::take(&mut self.part(section).data);
        let has_key = |string: &&[u8]| {
            let rest = string.strip_prefix(key.as_bytes());
            rest.is_some_and(|rest| rest.starts_with(b"="))
        };
        let strings = old.split(|&b| b == 0).filter(|s| !s.is_empty());
        ensure!(
            strings.clone().any(|s| has_key(&s)),
            "no {key} in its modinfo"
        );
        let mut new = strings
            .filter(|string| !has_key(string))
            .collect::<Vec<_>>()
            .join(&0);
        new.push(0);
        if let Some(value) = value {
            new.extend_from_slice(format!("{key}={value}\0").as_bytes());
        }
        self.part(section).data = new;
        Ok(())
    }

    /// Renames a symbol.
    ///
    /// # Errors
    ///
    /// There is no such symbol.
    pub fn rename_symbol(&mut self, from: &str, to: &str) -> Result<()> {
        let symbol = self.symbol(from)?;
        self.rename(symbol, to.as_bytes())
    }
}
