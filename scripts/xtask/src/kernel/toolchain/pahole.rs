// SPDX-License-Identifier: GPL-2.0 OR MIT

//! pahole, which makes BTF of debug information: the user's, or that of Debian 13.
//!
//! Debian 12 has 1.24, which leaves promoted functions out.

use super::trixie::{Programs, Set};
use crate::host::run;
use crate::kernel::link::Link;
use anyhow::{ensure, Context, Result};
use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The oldest that was tried. 1.25 is the first that has promoted functions in the BTF of a kernel with ThinLTO,
/// 1.28 the first that leaves Rust out.
const OLDEST: Version = Version(1, 30);

const PAHOLE: Set = Set {
    name: "pahole",
    packages: &["pahole"],
    programs: &["usr/bin/pahole"],
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Version(u32, u32);

/// Returns the program that makes BTF, if the lane has any.
///
/// # Errors
///
/// Fails if the lane needs one that is neither on this machine nor can be installed.
pub fn ensure(link: Link, logs: &Path) -> Result<Option<PathBuf>> {
    if !link.has_btf() {
        return Ok(None);
    }
    match system() {
        Some(pahole) => Ok(Some(pahole)),
        None => from_debian(logs).map(Some),
    }
}

/// Returns the first pahole in `PATH` that is recent enough.
fn system() -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path)
        .map(|dir| dir.join("pahole"))
        .find(|pahole| version(pahole).is_some_and(|version| version >= OLDEST))
}

fn version(pahole: &Path) -> Option<Version> {
    parse(&run::captured(Command::new(pahole).arg("--version")).ok()?)
}

/// Reads `v1.30`, as scripts/pahole-version.sh does.
fn parse(text: &str) -> Option<Version> {
    let (major, minor) = text.trim().strip_prefix('v')?.split_once('.')?;
    Some(Version(major.parse().ok()?, minor.parse().ok()?))
}

/// Installs the program of Debian 13 into the cache if it is not there.
fn from_debian(logs: &Path) -> Result<PathBuf> {
    let programs = Programs::ensure(&PAHOLE, logs)
        .context("the lane btf needs pahole 1.30 or later; install it, so that it is in PATH")?;
    let program = programs.program("pahole");
    let version = version(&program).context("pahole of Debian 13 does not run here")?;
    ensure!(
        version >= OLDEST,
        "Debian 13 has pahole {}.{}, which is too old",
        version.0,
        version.1
    );
    Ok(program)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_numbers() {
        assert_eq!(parse("v1.30\n"), Some(Version(1, 30)));
        assert!(parse("v1.9").unwrap() < OLDEST);
        assert!(parse("v2.0").unwrap() > OLDEST);
        for text in ["", "1.30", "v1", "v1.x", "pahole v1.30"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
