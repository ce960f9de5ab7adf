// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Source trees of packages: of one that is installed, of one that is only fetched because this machine's release does not
//! have it, and of older versions.

use crate::host::apt::{self, Apt};
use crate::host::{paths, run};
use crate::kernel::series::{Pin, Series, SourcePackage};
use anyhow::{bail, ensure, Context, Result};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Returns the tree of a series' package, and a text that no other tree has; unpacks the package if that was not done
/// before, and fetches it first if it is pinned.
///
/// # Errors
///
/// Fails if a suite does not have the pinned version, or the package cannot be fetched or unpacked.
pub fn tree(series: &Series, logs: &Path) -> Result<(PathBuf, String)> {
    let source = &series.source;
    if let Some(pin) = source.pin()? {
        // Debian never changes a version of a package.
        let fingerprint = format!("{} {}", source.package, pin.version);
        Ok((pinned(series, &pin, logs)?, fingerprint))
    } else {
        let hash = hash_file(Path::new(&source.tarball))?;
        Ok((installed(source, &hash, logs)?, hash))
    }
}

fn pinned(series: &Series, pin: &Pin, logs: &Path) -> Result<PathBuf> {
    let source = &series.source;
    let tree = place(source, &pin.version)?;
    if tree.exists() {
        return Ok(tree);
    }
    let scratch = paths::scratch_in(&sources()?)?;
    let apt = apt_of(source, scratch.path(), logs)?;
    let versions = apt.versions(&source.package)?;
    ensure!(
        versions.contains(&pin.version),
        not_in_suite(series, pin, &versions)
    );
    fetch(&apt, source, &pin.version, scratch.path(), &tree, logs)?;
    Ok(tree)
}

/// Returns the tree of the oldest version of a package that Debian's archive has; fetches and unpacks it if that was
/// not done before.
///
/// # Errors
///
/// Fails if the archive has one version only, or the package cannot be fetched or unpacked.
pub fn oldest(source: &SourcePackage, logs: &Path) -> Result<PathBuf> {
    let scratch = paths::scratch_in(&sources()?)?;
    let apt = apt_of(source, scratch.path(), logs)?;
    let versions = apt.versions(&source.package)?;
    let [_, .., oldest] = &versions[..] else {
        bail!(
            "{}: expected several versions in the package lists, found {}; name an older tree with --older",
            source.package,
            versions.first().map_or("none", String::as_str)
        );
    };
    let tree = place(source, oldest)?;
    if !tree.exists() {
        fetch(&apt, source, oldest, scratch.path(), &tree, logs)?;
    }
    Ok(tree)
}

fn sources() -> Result<PathBuf> {
    Ok(paths::cache()?.join("source"))
}

/// Returns the directory in the cache of the tree of a version.
fn place(source: &SourcePackage, version: &str) -> Result<PathBuf> {
    Ok(sources()?.join(format!("{}_{version}", source.package)))
}

/// Returns the apt that knows a package, with a state in `scratch` if it has one of its own.
fn apt_of(source: &SourcePackage, scratch: &Path, logs: &Path) -> Result<Apt> {
    match source.pin()? {
        Some(pin) => {
            let log = logs.join("source-apt-update.log");
            Apt::of_suite(&pin.suite, &scratch.join("apt"), &log)
        }
        None => Ok(Apt::of_machine()),
    }
}

fn fetch(
    apt: &Apt,
    source: &SourcePackage,
    version: &str,
    scratch: &Path,
    tree: &Path,
    logs: &Path,
) -> Result<()> {
    let log = logs.join("source-fetch.log");
    let package = apt.fetch(&source.package, version, &scratch.join("package"), &log)?;
    let unpacked = tree_in(&package, source, scratch, logs)?;
    match fs::rename(&unpacked, tree) {
        // Of two that unpack at the same time, the second is thrown away.
        Err(error) if !tree.exists() => {
            Err(error).with_context(|| format!("cannot create {}", tree.display()))
        }
        _ => Ok(()),
    }
}

/// Unpacks the tree that is in a tarball that is in a package, below `scratch`.
fn tree_in(package: &Path, source: &SourcePackage, scratch: &Path, logs: &Path) -> Result<PathBuf> {
    let (files, tree) = (scratch.join("files"), scratch.join("tree"));
    apt::unpack(package, &files)?;
    let tarball = files.join(source.tarball.trim_start_matches('/'));
    ensure!(
        tarball.is_file(),
        "{}: has no {}",
        package.display(),
        source.tarball
    );
    fs::create_dir(&tree).with_context(|| format!("cannot create {}", tree.display()))?;
    unpack(&tarball, &tree, &logs.join("unpack.log"))?;
    Ok(tree)
}

fn hash_file(path: &Path) -> Result<String> {
    let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(file)?;
    Ok(hasher.finalize().to_hex().to_string())
}

/// Returns the tree of an installed package, of which the tarball has this hash.
fn installed(source: &SourcePackage, hash: &str, logs: &Path) -> Result<PathBuf> {
    let sources = sources()?;
    let tree = sources.join(format!("{}-{}", source.package, &hash[..12]));
    if tree.exists() {
        return Ok(tree);
    }
    // Of two that unpack at the same time each has a directory, and the second is thrown away.
    let partial = paths::scratch_in(&sources)?;
    let log = logs.join("unpack.log");
    unpack(Path::new(&source.tarball), partial.path(), &log)?;
    if fs::rename(partial.path(), &tree).is_ok() {
        // Not temporary any more.
        let _ = partial.keep();
    }
    Ok(tree)
}

/// Unpacks the tree in a tarball into a directory.
fn unpack(tarball: &Path, to: &Path, log: &Path) -> Result<()> {
    let mut tar = Command::new("tar");
    tar.args(["--use-compress-program=xz -T0", "--strip-components=1"])
        .arg("-xf")
        .arg(tarball)
        .arg("-C")
        .arg(to);
    run::logged("unpack the kernel source", &mut tar, log)
}

/// Message for a suite that has other versions of a package than the pinned one.
fn not_in_suite(series: &Series, pin: &Pin, versions: &[String]) -> String {
    let package = &series.source.package;
    let has = match versions {
        [] => "no version of this package".to_owned(),
        versions => versions.join(", "),
    };
    format!(
        "{package}: the suite {} does not have the version {}, to which the series {} is pinned; it has {has}; \
         change `version` in {}, or give a tree of the series with --kernel-source",
        pin.suite,
        pin.version,
        series.name,
        series.settings().display()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTINGS: &str = "links = [\"default\"]\n[source]\npackage = \"linux-source-9.9\"\n\
        suite = \"trixie-backports\"\nversion = \"9.9.1-1\"\ntarball = \"usr/src/linux-source-9.9.tar.xz\"\n\
        [tools]\nbindgen = \"1\"\n[packages]\n";

    fn series(dir: &Path) -> Series {
        fs::create_dir(dir.join("9.9")).unwrap();
        fs::write(dir.join("9.9/series.toml"), SETTINGS).unwrap();
        Series::named_in(dir, "9.9").unwrap()
    }

    #[test]
    fn a_superseded_version_is_an_error_that_says_what_to_do() {
        let dir = tempfile::tempdir().unwrap();
        let series = series(dir.path());
        let pin = series.source.pin().unwrap().unwrap();
        let message = not_in_suite(&series, &pin, &["9.9.3-1".into(), "9.9.2-1".into()]);
        for part in [
            "linux-source-9.9: the suite trixie-backports does not have the version 9.9.1-1",
            "it has 9.9.3-1, 9.9.2-1;",
            "change `version` in ",
            "9.9/series.toml, or give a tree of the series with --kernel-source",
        ] {
            assert!(message.contains(part), "{message}");
        }
        let none = not_in_suite(&series, &pin, &[]);
        assert!(
            none.contains("it has no version of this package;"),
            "{none}"
        );
    }

    #[test]
    fn the_tree_is_taken_out_of_the_tarball_of_a_package() {
        let dir = tempfile::tempdir().unwrap();
        let series = series(dir.path());
        let package = dir.path().join("package");
        for (file, text) in [
            (
                "DEBIAN/control",
                "Package: linux-source-9.9\nVersion: 9.9.1-1\nArchitecture: all\nMaintainer: A <a@b>\nDescription: A\n",
            ),
            ("linux/Makefile", "VERSION = 9\n"),
            ("usr/src/note", ""),
        ] {
            let path = package.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let run = |command: &mut Command| run::captured(command.current_dir(dir.path())).unwrap();
        let tarball = "package/usr/src/linux-source-9.9.tar.xz";
        run(Command::new("tar").args(["-cJf", tarball, "-C", "package", "linux"]));
        fs::remove_dir_all(package.join("linux")).unwrap();
        run(Command::new("dpkg-deb").args(["--build", "package", "x.deb"]));

        let (deb, scratch) = (dir.path().join("x.deb"), dir.path().join("scratch"));
        let tree = tree_in(&deb, &series.source, &scratch, dir.path()).unwrap();
        let makefile = fs::read_to_string(tree.join("Makefile")).unwrap();
        assert_eq!(makefile, "VERSION = 9\n");

        let mut other = series.source;
        other.tarball = "usr/src/other.tar.xz".to_owned();
        let error = tree_in(&deb, &other, &dir.path().join("other"), dir.path()).unwrap_err();
        assert!(error
            .to_string()
            .ends_with("x.deb: has no usr/src/other.tar.xz"));
    }
}
