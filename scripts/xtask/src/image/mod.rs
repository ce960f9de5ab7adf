// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The initramfs: what the guest has.

mod cpio;
mod libraries;
mod modules;
mod rootfs;
mod tools;

use std::path::{
    Path,
    PathBuf, //
};

use anyhow::{
    Context,
    Result, //
};

use crate::layout;
pub use rootfs::RootFs;

/// The file that /init runs instead of a shell.
pub const COMMAND_FILE: &str = "klp/command";

/// What is put into an image beside the tools and the kernel's own modules.
#[derive(Default)]
pub struct Contents {
    /// The shell script that the guest runs; an interactive shell without one.
    pub command: Option<String>,
    /// Files and whole directories: from the host's path to a place in the guest.
    pub extra: Vec<(PathBuf, String)>,
    /// Modules that were built outside the kernel tree, for /lib/modules/RELEASE/updates.
    pub extra_modules: Vec<PathBuf>,
}

/// Writes the image for the kernel that was built in `build`.
///
/// # Errors
///
/// Fails if a tool is missing on the host, or a file cannot be read or written.
pub fn write(build: &Path, contents: &Contents, image: &Path) -> Result<()> {
    let mut root = RootFs::new();
    let guest = layout::repository().join("scripts/guest");
    root.add_host_file(&guest.join("init"), "init")?;
    tools::add(&mut root)?;
    modules::add(&mut root, build, &contents.extra_modules)?;
    for (from, to) in &contents.extra {
        root.add_host_tree(from, to)?;
    }
    if let Some(command) = &contents.command {
        root.add_file(COMMAND_FILE, false, command.as_bytes().to_vec());
    }
    root.write(image)
        .with_context(|| format!("cannot write {}", image.display()))
}
