// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Builds `klp-guest` as one static file, so that the guest needs no library for it.

use super::{paths, run};
use anyhow::Result;
use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// glibc's target can link statically; the one for musl would have to be installed first.
const TARGET: &str = "x86_64-unknown-linux-gnu";

/// Builds it and returns where it is.
///
/// # Errors
///
/// Fails if the build fails.
pub fn build(logs: &Path) -> Result<PathBuf> {
    let repository = paths::repository();
    let target_dir = repository.join("target/guest");
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command
        .current_dir(&repository)
        // With a --target these flags are not used for build scripts and procedural macros.
        .env("RUSTFLAGS", "-C target-feature=+crt-static")
        .args([
            "build",
            "--release",
            "--quiet",
            "--package",
            "klp-guest",
            "--target",
            TARGET,
        ])
        .arg("--target-dir")
        .arg(&target_dir);
    run::logged("build klp-guest", &mut command, &logs.join("klp-guest.log"))?;
    Ok(target_dir.join(TARGET).join("release/klp-guest"))
}
