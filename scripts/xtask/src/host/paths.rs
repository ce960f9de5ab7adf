// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The directories: the repository, and the cache outside of it.

use anyhow::{Context, Result};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};
use std::{env, fs, io, process};
use tempfile::TempDir;

/// The number of runs whose logs are kept.
const KEPT_RUNS: usize = 40;

/// The top directory of the repository.
pub fn repository() -> PathBuf {
    let package = env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    // scripts/xtask is two levels below the top.
    package
        .ancestors()
        .nth(2)
        .map_or_else(|| package.clone(), Path::to_path_buf)
}

/// `$XDG_CACHE_HOME/klp-sympos`, or `~/.cache/klp-sympos`.
///
/// # Errors
///
/// Fails if neither `XDG_CACHE_HOME` nor `HOME` is set.
pub fn cache() -> Result<PathBuf> {
    let base = match env::var_os("XDG_CACHE_HOME").filter(|dir| Path::new(dir).is_absolute()) {
        Some(dir) => PathBuf::from(dir),
        None => {
            PathBuf::from(env::var_os("HOME").context("neither XDG_CACHE_HOME nor HOME is set")?)
                .join(".cache")
        }
    };
    Ok(base.join("klp-sympos"))
}

/// Makes a temporary directory in `directory`, which is created too: what is made there is renamed to its place
/// when it is whole, and nobody ever sees a half of it.
///
/// # Errors
///
/// Fails if `directory` cannot be written.
pub fn scratch_in(directory: &Path) -> Result<TempDir> {
    let scratch = fs::create_dir_all(directory).and_then(|()| {
        tempfile::Builder::new()
            .prefix("partial-")
            .tempdir_in(directory)
    });
    scratch.with_context(|| format!("cannot write {}", directory.display()))
}

/// Makes a new directory in the cache for the logs of one run, and forgets the oldest ones.
///
/// # Errors
///
/// Fails if the cache is not writable.
pub fn new_log_dir(command: &str) -> Result<PathBuf> {
    let logs = cache()?.join("logs");
    let seconds = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    let dir = logs.join(format!("{seconds}-{}-{command}", process::id()));
    fs::create_dir_all(&dir).with_context(|| format!("cannot create {}", dir.display()))?;
    // A run that tidies up at the same time may have been faster: that is no error.
    let _ = forget_old_runs(&logs);
    Ok(dir)
}

fn forget_old_runs(logs: &Path) -> io::Result<()> {
    let mut runs = fs::read_dir(logs)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<io::Result<Vec<_>>>()?;
    // The names start with the time in seconds, which will not get another digit before 2286.
    runs.sort();
    for old in runs.iter().rev().skip(KEPT_RUNS) {
        fs::remove_dir_all(old)?;
    }
    Ok(())
}
