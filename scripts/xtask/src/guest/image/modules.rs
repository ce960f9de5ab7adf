// SPDX-License-Identifier: GPL-2.0 OR MIT

//! /lib/modules/RELEASE of the guest.

use super::rootfs::RootFs;
use crate::host::run;
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The lists that `make modules_install` takes from the build directory beside the modules.
const LISTS: [&str; 3] = [
    "modules.builtin",
    "modules.builtin.modinfo",
    "modules.order",
];

/// Adds every module that was built in `build`, those of `extra`, and what modprobe needs to find them.
///
/// # Errors
///
/// Fails if `build` is not a finished kernel build.
pub fn add(root: &mut RootFs, build: &Path, extra: &[PathBuf]) -> Result<()> {
    let release_file = build.join("include/config/kernel.release");
    let release = fs::read_to_string(&release_file)
        .with_context(|| format!("{} is not a built kernel", build.display()))?;
    let release = release.trim();

    // depmod works on directories only; the files themselves are links into the build.
    let stage = tempfile::tempdir()?;
    let dir = stage.path().join("lib/modules").join(release);
    fs::create_dir_all(&dir)?;
    for list in LISTS {
        let from = build.join(list);
        fs::copy(&from, dir.join(list))
            .with_context(|| format!("cannot copy {}", from.display()))?;
    }
    for object in fs::read_to_string(build.join("modules.order"))?.lines() {
        let module = Path::new(object).with_extension("ko");
        link(&build.join(&module), &dir.join("kernel").join(&module))?;
    }
    for module in extra {
        let name = module.file_name().context("a module without a name")?;
        link(module, &dir.join("updates").join(name))?;
    }
    let depmod = run::captured(
        Command::new("depmod")
            .env("PATH", "/usr/sbin:/sbin:/usr/bin:/bin")
            .arg("-b")
            .arg(stage.path())
            .arg(release),
    );
    depmod.context("cannot index the modules")?;
    root.add_host_tree(&dir, &format!("lib/modules/{release}"))?;
    // The selftests of livepatch skip themselves where there is no build directory.
    root.add_directory(&format!("lib/modules/{release}/build"));
    Ok(())
}

fn link(from: &Path, to: &Path) -> Result<()> {
    if let Some(parent) = to.parent() {
        fs::create_dir_all(parent)?;
    }
    let from = fs::canonicalize(from).with_context(|| format!("{} is missing", from.display()))?;
    std::os::unix::fs::symlink(&from, to).with_context(|| format!("cannot make {}", to.display()))
}
