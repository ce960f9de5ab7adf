// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The linker of a lane: Debian's, or LLD 23 from wherever it can be had.

use super::tools;
use crate::host::{packages, paths, run};
use crate::kernel::link::Link;
use anyhow::{Context, Result};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// The compiler's own linker.
const DEFAULT: &str = "ld.lld-22";

/// The flags that LLD 22 does not know; a patch of the kernel has the same in arch/Kconfig.
pub const FLAGS: [&str; 3] = [
    "--lto-whole-program-visibility",
    "-mllvm",
    "-always-rename-promoted-locals=false",
];

/// The wheels, with versions and hashes.
const WHEELS: &str = "scripts/xtask/src/kernel/toolchain/lld.txt";
const VERSION: &str = "23.1.4";

/// The files that are taken out of the wheels, and the places where the linker's runtime path and its libraries'
/// names want them. pip does not make the links that have these names.
const FILES: [(&str, &str); 5] = [
    ("clang-23.1.4.data/data/bin/lld", "bin/ld.lld"),
    (
        "core-23.1.4.data/data/lib/libLLVM.so.23.1",
        "lib/libLLVM.so.23.1",
    ),
    (
        "core-23.1.4.data/data/lib/x86_64-unknown-linux-gnu/libc++.so.1.0",
        "lib/libc++.so.1",
    ),
    (
        "core-23.1.4.data/data/lib/x86_64-unknown-linux-gnu/libc++abi.so.1.0",
        "lib/libc++abi.so.1",
    ),
    (
        "core-23.1.4.data/data/lib/x86_64-unknown-linux-gnu/libunwind.so.1.0",
        "lib/libunwind.so.1",
    ),
];

/// The linker's name or path.
///
/// # Errors
///
/// Fails if the lane needs one that is neither on this machine nor can be installed.
pub fn ensure(link: Link, logs: &Path) -> Result<PathBuf> {
    if !link.reduces_suffixes() {
        return Ok(DEFAULT.into());
    }
    match system() {
        Some(linker) => Ok(linker),
        None => from_pypi(logs),
    }
}

/// The first linker in `PATH` that takes the flags.
fn system() -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path)
        .flat_map(|dir| candidates(&dir))
        .find(|linker| takes_flags(linker))
}

/// `ld.lld` and `ld.lld-VERSION` of a directory.
fn candidates(dir: &Path) -> Vec<PathBuf> {
    let mut found: Vec<_> = fs::read_dir(dir)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|file| {
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            let version = name
                .strip_prefix("ld.lld")
                .map(|rest| rest.strip_prefix('-'));
            match version {
                Some(Some(version)) => version.bytes().all(|byte| byte.is_ascii_digit()),
                Some(None) => name == "ld.lld",
                None => false,
            }
        })
        .collect();
    found.sort();
    found
}

/// The probe of Kconfig's `ld-option`: LLD parses its options before it prints its version.
fn takes_flags(linker: &Path) -> bool {
    run::captured(Command::new(linker).arg("-v").args(FLAGS)).is_ok()
}

/// Installs LLD 23 into the cache if it is not there.
fn from_pypi(logs: &Path) -> Result<PathBuf> {
    tools::installed(&format!("lld-{VERSION}"), "bin/ld.lld", |scratch| {
        packages::install([packages::PIP], logs)?;
        let unpacked = unpack(scratch, logs)?;
        let whole = scratch.join("lld");
        for (from, to) in FILES {
            let from = unpacked.join(format!("karellen_llvm_{from}"));
            let to = whole.join(to);
            fs::create_dir_all(to.parent().unwrap_or(&whole))?;
            fs::rename(&from, &to)
                .with_context(|| format!("the wheels of {WHEELS} have no {}", from.display()))?;
        }
        let program = whole.join("bin/ld.lld");
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755))?;
        run::captured(Command::new(&program).arg("-v").args(FLAGS))
            .context("the linker that was installed does not take the flags")?;
        Ok(whole)
    })
}

/// Downloads the wheels, which are zip files.
fn unpack(dir: &Path, logs: &Path) -> Result<PathBuf> {
    let wheels = dir.join("wheels");
    let unpacked = dir.join("unpacked");
    let mut download = Command::new(packages::PYTHON);
    download
        .args(["-m", "pip", "download", "--no-deps", "--require-hashes"])
        .args(["--only-binary=:all:", "--requirement"])
        .arg(paths::repository().join(WHEELS))
        .arg("--dest")
        .arg(&wheels);
    run::logged(
        "download LLD 23",
        &mut download,
        &logs.join("lld-download.log"),
    )?;
    for wheel in fs::read_dir(&wheels)? {
        let mut extract = Command::new(packages::PYTHON);
        extract
            .args(["-m", "zipfile", "--extract"])
            .arg(wheel?.path())
            .arg(&unpacked);
        run::logged("unpack LLD 23", &mut extract, &logs.join("lld-unpack.log"))?;
    }
    Ok(unpacked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_linkers_are_tried() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["ld.lld", "ld.lld-23", "ld.lld-23.old", "ld.lld.bak", "lld"] {
            fs::write(dir.path().join(name), "").unwrap();
        }
        let names: Vec<_> = candidates(dir.path())
            .iter()
            .map(|file| file.file_name().unwrap().to_owned())
            .collect();
        assert_eq!(names, ["ld.lld", "ld.lld-23"]);
        assert_eq!(candidates(&dir.path().join("none")).len(), 0);
    }

    #[test]
    fn a_linker_is_taken_if_it_takes_the_flags() {
        let dir = tempfile::tempdir().unwrap();
        let linker = |name: &str, body: &str| {
            let file = dir.path().join(name);
            fs::write(&file, format!("#!/bin/sh\n{body}\n")).unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
            file
        };
        let old = r#"case "$*" in *promoted*) exit 1;; esac"#;
        assert!(!takes_flags(&linker("ld.lld-22", old)));
        assert!(takes_flags(&linker("ld.lld-23", "exit 0")));
        assert!(!takes_flags(&dir.path().join("none")));
    }

    #[test]
    fn the_version_is_that_of_the_wheels() {
        let wheels = fs::read_to_string(paths::repository().join(WHEELS)).unwrap();
        assert_eq!(wheels.matches(&format!("=={VERSION} ")).count(), 2);
        for (file, _) in FILES {
            assert!(file.contains(&format!("-{VERSION}.data/")), "{file}");
        }
    }
}
