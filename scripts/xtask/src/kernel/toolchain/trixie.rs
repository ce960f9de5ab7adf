// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Programs of Debian 13 (trixie), where Debian 12 has none that are recent enough.
//!
//! The mirror of Debian 12 has Debian 13 as well: packages are unpacked into the cache together with the
//! libraries that their programs are linked with, down to libc and its loader, so that nothing of it reaches the
//! system. apt resolves what is needed, and checks it against the index that Debian has signed. The versions are
//! not pinned: a point release replaces them, and the mirror then no longer has the old ones.

use super::tools;
use crate::host::apt::{self, Apt};
use crate::host::libraries;
use anyhow::{Context, Result};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

const RELEASE: &str = "trixie";

/// The directory of libraries in a package.
const LIBRARIES: &str = "usr/lib/x86_64-linux-gnu";
const LOADER: &str = "ld-linux-x86-64.so.2";

/// Starts the program that is called as the script is, wherever the directory of both is.
const START: &str = r#"#!/bin/sh
here=${0%/bin/*}
exec "$here/lib/ld-linux-x86-64.so.2" --library-path "$here/lib" "$here/programs/${0##*/}" "$@"
"#;

/// Programs that are unpacked together. Another list needs another name: the cache has the sets by their names.
pub struct Set {
    /// The name.
    pub name: &'static str,
    /// The packages, without those that they depend on.
    pub packages: &'static [&'static str],
    /// The programs' paths in the packages.
    pub programs: &'static [&'static str],
}

/// A directory with the programs of a set. A copy of it works elsewhere.
pub struct Programs {
    /// The directory; each program has a script in its `bin`.
    pub directory: PathBuf,
}

impl Programs {
    /// Unpacks the set into the cache if it is not there.
    ///
    /// # Errors
    ///
    /// Fails if the packages cannot be downloaded, or lack one of the programs.
    pub fn ensure(set: &Set, logs: &Path) -> Result<Self> {
        let name = format!("{}-{RELEASE}", set.name);
        let directory = tools::installed(&name, "", |scratch| {
            let unpacked = unpack(set, scratch, logs)?;
            let whole = scratch.join("whole");
            set.collect(&unpacked, &whole)?;
            Ok(whole)
        })?;
        Ok(Self { directory })
    }

    /// Returns the script that starts a program of the set.
    pub fn program(&self, name: &str) -> PathBuf {
        self.directory.join("bin").join(name)
    }
}

impl Set {
    /// Copies the programs and what they need, and writes the scripts that start them.
    fn collect(&self, unpacked: &Path, whole: &Path) -> Result<()> {
        let from = unpacked.join(LIBRARIES);
        for part in ["bin", "lib", "programs"] {
            fs::create_dir_all(whole.join(part))?;
        }
        let programs: Vec<_> = self
            .programs
            .iter()
            .map(|path| unpacked.join(path))
            .collect();
        let mut needed = libraries::by_loader(&from.join(LOADER), &from, &programs)?;
        needed.insert(from.join(LOADER));
        for library in needed {
            let name = library.file_name().unwrap_or_default();
            copy(&library, &whole.join("lib").join(name))?;
        }
        for program in programs {
            let name = program.file_name().unwrap_or_default();
            copy(&program, &whole.join("programs").join(name))?;
            let script = whole.join("bin").join(name);
            fs::write(&script, START)?;
            fs::set_permissions(&script, Permissions::from_mode(0o755))?;
        }
        Ok(())
    }
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::copy(from, to).with_context(|| format!("cannot copy {}", from.display()))?;
    Ok(())
}

/// Fetches the packages with all that they depend on, and unpacks them.
fn unpack(set: &Set, scratch: &Path, logs: &Path) -> Result<PathBuf> {
    let log = |step: &str| logs.join(format!("{}-apt-{step}.log", set.name));
    let state = scratch.join("apt");
    let apt = Apt::of_suite(RELEASE, &state, &log("update"))?;
    let root = scratch.join("root");
    for package in apt.fetch_all(set.packages, &state, &log("download"))? {
        apt::unpack(&package, &root)?;
    }
    Ok(root)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::run;
    use std::process::Command;

    #[test]
    fn a_program_is_started_from_a_copy_of_its_directory() {
        let dir = tempfile::tempdir().unwrap();
        let copy = dir.path().join("a copy");
        for (file, text) in [
            ("bin/program", START),
            (
                "lib/ld-linux-x86-64.so.2",
                "#!/bin/sh\nprintf '%s\\n' \"$@\"\n",
            ),
        ] {
            let path = copy.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
        }
        let mut program = Command::new(copy.join("bin/program"));
        let started = run::captured(program.args(["-x", "a b"])).unwrap();
        let copy = copy.display();
        let expected = format!("--library-path\n{copy}/lib\n{copy}/programs/program\n-x\na b\n");
        assert_eq!(started, expected);
    }
}
