// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Calls the workspace's own `klp-gen`.

use super::{paths, run};
use anyhow::Result;
use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

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
    run::logged("build klp-gen", &mut command, &logs.join("klp-gen.log"))?;
    Ok(target_dir.join("release/klp-gen"))
}

/// Builds the `klp-gen` that [`command`] runs, once, and returns its path, for programs that call it themselves.
///
/// # Errors
///
/// Fails if it does not build.
pub fn program(logs: &Path) -> Result<PathBuf> {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    if let Some(program) = BUILT.get() {
        return Ok(program.clone());
    }
    let target_dir = target_directory();
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command
        .current_dir(paths::repository())
        .args(["build", "--quiet", "--package", "klp-gen", "--target-dir"])
        .arg(&target_dir);
    run::logged(
        "build klp-gen for tests",
        &mut command,
        &logs.join("klp-gen-debug.log"),
    )?;
    let program = target_dir.join("debug/klp-gen");
    Ok(BUILT.get_or_init(|| program).clone())
}

fn target_directory() -> PathBuf {
    paths::repository().join("target")
}
