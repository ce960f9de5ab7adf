// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The oldest version of the kernel's source that Debian's archive still has.

use crate::host::{paths, run};
use crate::kernel::series::SourcePackage;
use crate::kernel::source::unpack;
use anyhow::{Context, Result};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Returns the tree of the oldest version; fetches and unpacks it if that was not done before.
///
/// # Errors
///
/// Fails if the archive has one version only, or a package cannot be fetched or unpacked.
pub fn older(source: &SourcePackage, logs: &Path) -> Result<PathBuf> {
    let package = &source.package;
    let listed = run::captured(Command::new("apt-cache").args(["madison", package]))?;
    let mut versions = listed.lines().filter_map(|line| line.split('|').nth(1));
    let newest = versions.next().map(str::trim);
    let oldest = versions.next_back().map(str::trim);
    let oldest = oldest.with_context(|| {
        format!(
            "{package}: expected several versions in the package lists, found {}; name an older tree with --older",
            newest.unwrap_or("none")
        )
    })?;
    let sources = paths::cache()?.join("source");
    let tree = sources.join(format!("{package}_{oldest}"));
    if tree.exists() {
        return Ok(tree);
    }
    let partial = paths::scratch_in(&sources)?;
    let mut fetch = Command::new("apt-get");
    fetch
        .current_dir(partial.path())
        .args(["download", &format!("{package}={oldest}")]);
    run::logged(
        &format!("fetch {package} {oldest}"),
        &mut fetch,
        &logs.join("fetch-older.log"),
    )?;
    let archive = only_file(partial.path())?;
    let tarball = partial.path().join("source.tar.xz");
    run::timed("unpack the package", || {
        member(&archive, &source.tarball, &tarball)
    })?;
    let unpacked = partial.path().join("tree");
    fs::create_dir(&unpacked)?;
    unpack(&tarball, &unpacked, &logs.join("unpack-older.log"))?;
    fs::rename(&unpacked, &tree).with_context(|| format!("cannot create {}", tree.display()))?;
    Ok(tree)
}

/// Returns the path of the one file in a directory.
fn only_file(directory: &Path) -> Result<PathBuf> {
    let first = fs::read_dir(directory)?.next().transpose()?;
    let first = first.context("apt-get download: expected a package, found nothing")?;
    Ok(first.path())
}

/// Takes a file out of a package.
fn member(package: &Path, name: &str, to: &Path) -> Result<()> {
    let file = File::create(to).with_context(|| format!("cannot create {}", to.display()))?;
    let mut open = Command::new("dpkg-deb");
    open.arg("--fsys-tarfile").arg(package);
    run::announce(&open);
    let mut open = open.stdout(Stdio::piped()).spawn()?;
    let stream = open.stdout.take().context("no output of dpkg-deb")?;
    let mut tar = Command::new("tar");
    tar.args(["-xO", &format!(".{name}")])
        .stdin(stream)
        .stdout(file);
    let taken = tar.status().context("cannot run tar")?;
    let opened = open.wait()?;
    anyhow::ensure!(
        taken.success() && opened.success(),
        "{}: has no {name}",
        package.display()
    );
    Ok(())
}
