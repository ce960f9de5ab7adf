// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The result of a link: its symbols of one name, or the linker's words.

use crate::host::run;
use crate::kernel::Kernel;
use anyhow::{Context, Result};
use std::path::Path;
use std::process::Command;

/// The answer of a linker.
#[derive(Debug)]
pub enum Linked {
    /// The linker made its output.
    Made,
    /// The linker failed with these words.
    Failed(String),
}

/// Runs a linker.
///
/// # Errors
///
/// Fails if it cannot be started.
pub fn link(command: &mut Command) -> Result<Linked> {
    run::announce(command);
    let output = command
        .output()
        .with_context(|| format!("cannot run `{}`", run::shell_line(command)))?;
    if output.status.success() {
        return Ok(Linked::Made);
    }
    let words = String::from_utf8_lossy(&output.stderr);
    Ok(Linked::Failed(words.into_owned()))
}

/// The symbols called `name`, or that with a suffix, as `T foo` and `T foo.llvm.*`, sorted.
///
/// # Errors
///
/// Fails if the file cannot be read.
pub fn symbols(kernel: &Kernel, file: &Path, name: &str) -> Result<Vec<String>> {
    let mut nm = kernel.tool("llvm-nm-22");
    let listed = run::captured(nm.arg(file))?;
    let suffixed = format!("{name}.llvm.");
    let mut symbols: Vec<_> = listed
        .lines()
        .filter_map(|line| {
            let mut words = line.split_whitespace().rev();
            let (found, letter) = (words.next()?, words.next()?);
            if found == name {
                Some(format!("{letter} {name}"))
            } else {
                found
                    .starts_with(&suffixed)
                    .then(|| format!("{letter} {suffixed}*"))
            }
        })
        .collect();
    symbols.sort();
    Ok(symbols)
}
