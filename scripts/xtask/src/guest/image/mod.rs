// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The initramfs: what the guest has.

mod cpio;
mod modules;
mod rootfs;
mod tools;

use crate::host::paths;
use anyhow::{Context, Result};
use rootfs::RootFs;
use std::fs;
use std::path::{Path, PathBuf};

/// The file that /init runs instead of a shell.
const COMMAND_FILE: &str = "klp/command";

/// The files that are put into an image beside the tools and the kernel's own modules.
#[derive(Clone, Default)]
pub struct Contents {
    /// Files and whole directories: from the host's path to a place in the guest.
    pub extra: Vec<(PathBuf, String)>,
    /// Modules that were built outside the kernel tree, for /lib/modules/RELEASE/updates.
    pub extra_modules: Vec<PathBuf>,
}

impl Contents {
    /// Adds other contents.
    pub fn extend(&mut self, other: &Self) {
        self.extra.extend_from_slice(&other.extra);
        self.extra_modules.extend_from_slice(&other.extra_modules);
    }

    /// Puts a file or directory of the host at a place in the guest.
    pub fn add(&mut self, from: PathBuf, to: String) {
        self.extra.push((from, to));
    }
}

/// Writes the image for the kernel that was built in `build`.
///
/// The guest runs the shell script `command`, or an interactive shell without one.
///
/// # Errors
///
/// Fails if a tool is missing on the host, or a file cannot be read or written.
pub fn write(build: &Path, contents: &Contents, command: Option<&str>, image: &Path) -> Result<()> {
    let mut root = RootFs::new();
    let guest = paths::repository().join("scripts/guest");
    root.add_host_file(&guest.join("init"), "init")?;
    tools::add(&mut root)?;
    modules::add(&mut root, build, &contents.extra_modules)?;
    for (from, to) in &contents.extra {
        root.add_host_tree(from, to)?;
    }
    if let Some(command) = command {
        root.add_file(COMMAND_FILE, false, command.as_bytes().to_vec());
    }
    if let Some(dir) = image.parent() {
        fs::create_dir_all(dir).with_context(|| format!("cannot create {}", dir.display()))?;
    }
    root.write(image)
        .with_context(|| format!("cannot write {}", image.display()))
}
