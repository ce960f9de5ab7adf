// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Tools that no distribution of this machine has, in the cache.

use crate::host::paths;
use crate::report::progress;
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};

/// Returns the file `program` of the tool `name`; `fill` makes the tool's directory, if it is not there, in
/// the scratch directory that it is given.
///
/// A tool is there whole or not at all. Of two processes that install it at the same time, the second finds
/// the place taken by the same files.
///
/// # Errors
///
/// Fails if `fill` does, or the cache cannot be written.
pub fn installed(
    name: &str,
    program: &str,
    fill: impl FnOnce(&Path) -> Result<PathBuf>,
) -> Result<PathBuf> {
    installed_in(&paths::cache()?.join("tools"), name, program, fill)
}

fn installed_in(
    tools: &Path,
    name: &str,
    program: &str,
    fill: impl FnOnce(&Path) -> Result<PathBuf>,
) -> Result<PathBuf> {
    let root = tools.join(name);
    let program = root.join(program);
    if program.exists() {
        return Ok(program);
    }
    progress::note(&format!("installing {name}"));
    let scratch = paths::scratch_in(tools)?;
    let whole = fill(scratch.path())?;
    if let Err(error) = fs::rename(&whole, &root) {
        if !program.exists() {
            return Err(error).with_context(|| format!("cannot create {}", root.display()));
        }
    }
    Ok(program)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tool_is_made_once_and_never_by_halves() {
        let dir = tempfile::tempdir().unwrap();
        let tools = dir.path().join("tools");
        let failed = installed_in(&tools, "tool-1", "bin/tool", |scratch| {
            fs::write(scratch.join("half"), "")?;
            anyhow::bail!("the registry is down")
        });
        assert!(failed.is_err());
        assert_eq!(fs::read_dir(&tools).unwrap().count(), 0);

        let fill = |scratch: &Path| {
            let whole = scratch.join("whole");
            fs::create_dir_all(whole.join("bin"))?;
            fs::write(whole.join("bin/tool"), "1")?;
            // Another process was faster.
            fs::create_dir_all(tools.join("tool-1/bin"))?;
            fs::write(tools.join("tool-1/bin/tool"), "1")?;
            Ok(whole)
        };
        let tool = installed_in(&tools, "tool-1", "bin/tool", fill).unwrap();
        assert_eq!(fs::read(&tool).unwrap(), b"1");
        assert_eq!(fs::read_dir(&tools).unwrap().count(), 1);

        let again = installed_in(&tools, "tool-1", "bin/tool", |_| unreachable!());
        assert_eq!(again.unwrap(), tool);
    }
}
