// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Finds the shared libraries of a program with `ldd`, or with the program's own loader.

use super::run;
use anyhow::{bail, Result};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The paths of all shared libraries, and of the loader, that `programs` need.
///
/// # Errors
///
/// Fails if `ldd` cannot run or does not find a library.
pub fn of(programs: &[PathBuf]) -> Result<BTreeSet<PathBuf>> {
    // ldd fails for a script or a static program and says so; it is asked only for the others.
    let output = run::captured(Command::new("ldd").args(programs))?;
    parse(&output)
}

/// The same for programs that `loader` runs with the libraries of the directory `libraries`.
///
/// # Errors
///
/// Fails if the loader cannot run, or does not find a library.
pub fn by_loader(
    loader: &Path,
    libraries: &Path,
    programs: &[PathBuf],
) -> Result<BTreeSet<PathBuf>> {
    let mut all = BTreeSet::new();
    for program in programs {
        let mut list = Command::new(loader);
        list.arg("--library-path").arg(libraries).arg("--list");
        all.extend(parse(&run::captured(list.arg(program))?)?);
    }
    Ok(all)
}

fn parse(output: &str) -> Result<BTreeSet<PathBuf>> {
    let mut libraries = BTreeSet::new();
    for line in output.lines() {
        // `/usr/bin/bash:`, `linux-vdso.so.1 (0x…)`, `libc.so.6 => /lib/… (0x…)`, `/lib64/ld-… (0x…)`
        let Some(library) = line.strip_prefix('\t') else {
            continue;
        };
        let path = library.split_once(" => ").map_or(library, |(_, path)| path);
        if path == "not found" {
            bail!("ldd does not find the library `{}`", library.trim());
        }
        let path = path.split(" (").next().unwrap_or(path);
        if path.starts_with('/') {
            libraries.insert(PathBuf::from(path));
        }
    }
    Ok(libraries)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_the_paths_out_of_what_ldd_prints() {
        let output = "/usr/bin/bash:\n\tlinux-vdso.so.1 (0x00007ffd)\n\
                      \tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f12)\n\
                      \t/lib64/ld-linux-x86-64.so.2 (0x00007f34)\n";
        let libraries = parse(output).unwrap();
        let libraries: Vec<_> = libraries
            .iter()
            .map(|path| path.to_str().unwrap())
            .collect();
        assert_eq!(
            libraries,
            [
                "/lib/x86_64-linux-gnu/libc.so.6",
                "/lib64/ld-linux-x86-64.so.2"
            ]
        );
    }

    #[test]
    fn a_missing_library_is_an_error() {
        let error = parse("\tlibfoo.so.1 => not found\n").unwrap_err();
        assert!(error.to_string().contains("libfoo.so.1"));
    }
}
