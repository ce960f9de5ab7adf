// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Calls the workspace's own `klp-gen`.

use super::{paths, run};
use anyhow::Result;
use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// `klp-gen`, built if it is not up to date.
pub fn command() -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command
        .current_dir(paths::repository())
        .args(["run", "--quiet", "--package", "klp-gen", "--"]);
    command
}

/// A program of `userspace-gen/examples`, built if it is not up to date.
pub fn example(name: &str) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command
        .current_dir(paths::repository())
        .args([
            "run",
            "--quiet",
            "--release",
            "--package",
            "klp-gen",
            "--example",
        ])
        .args([name, "--"]);
    command
}

/// Builds `klp-gen` as it is installed and returns where it is.
///
/// # Errors
///
/// Fails if the build fails.
pub fn release(logs: &Path) -> Result<PathBuf> {
    let target_dir = target_directory();
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command
        .current_dir(paths::repository())
        .args(["build", "--release", "--quiet", "--package", "klp-gen"])
        .arg("--target-dir")
        .arg(&target_dir);
    run::logged(&mut command, &logs.join("klp-gen.log"))?;
    Ok(target_dir.join("release/klp-gen"))
}

/// Builds the `klp-gen` that [`command`] runs, and returns its path, for programs that call it themselves.
///
/// # Errors
///
/// Fails if it does not build.
pub fn program() -> Result<PathBuf> {
    let target_dir = target_directory();
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command
        .current_dir(paths::repository())
        .args(["build", "--quiet", "--package", "klp-gen", "--target-dir"])
        .arg(&target_dir);
    run::captured(&mut command)?;
    Ok(target_dir.join("debug/klp-gen"))
}

fn target_directory() -> PathBuf {
    paths::repository().join("target")
}
