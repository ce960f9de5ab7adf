// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The files of a folder.

use anyhow::{Context as _, Result};
use std::fs;
use std::path::{Path, PathBuf};

/// Returns the files below a folder, in the order of their names.
///
/// # Errors
///
/// Fails if a folder cannot be read.
pub fn below(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut left = vec![folder.to_path_buf()];
    while let Some(folder) = left.pop() {
        let entries =
            fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?;
        for entry in entries {
            let path = entry?.path();
            if !path.is_dir() {
                files.push(path);
            } else if !is_skipped(&folder, &path) {
                left.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

/// Returns true if a folder has no source of this repository: that of git, and the one that cargo builds in, which is
/// beside a manifest.
fn is_skipped(parent: &Path, folder: &Path) -> bool {
    folder.ends_with(".git") || folder.ends_with("target") && parent.join("Cargo.toml").is_file()
}

/// Returns the Rust files below a folder, in the order of their names.
///
/// # Errors
///
/// Fails if a folder cannot be read.
pub fn rust(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = below(folder)?;
    files.retain(|file| file.extension().is_some_and(|extension| extension == "rs"));
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cargo_builds_is_left_out_and_a_module_called_target_is_not() {
        let package = Path::new(env!("CARGO_MANIFEST_DIR"));
        let repository = package.ancestors().nth(2).unwrap();
        let files = rust(repository).unwrap();
        let has = |folder: &str| {
            let folder = repository.join(folder);
            files.iter().any(|file| file.starts_with(&folder))
        };
        assert!(has("userspace-gen/src/target"));
        assert!(!has("target"));
    }
}
