// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Programs of Debian 13 (trixie), where Debian 12 has none that are recent enough.
//!
//! The mirror of Debian 12 has Debian 13 as well: packages are unpacked into the cache together with the
//! libraries that their programs are linked with, down to libc and its loader, so that nothing of it reaches the
//! system. apt resolves what is needed, and checks it against the index that Debian has signed. The versions are
//! not pinned: a point release replaces them, and the mirror then no longer has the old ones.

use super::tools;
use crate::host::{libraries, run};
use anyhow::{bail, Context, Result};
use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

const RELEASE: &str = "trixie";
/// The keys of the archive, which Debian 12 has for its own packages.
const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

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

/// Downloads the packages with all that they depend on, and unpacks them.
fn unpack(set: &Set, scratch: &Path, logs: &Path) -> Result<PathBuf> {
    let apt = Apt::new(&scratch.join("apt"), &mirror()?)?;
    let log = |step: &str| logs.join(format!("{}-apt-{step}.log", set.name));
    run::logged(
        "read the packages of Debian 13",
        apt.command().arg("update"),
        &log("update"),
    )?;
    let mut download = apt.command();
    download
        .args(["install", "--yes", "--download-only"])
        .arg("--no-install-recommends")
        .args(set.packages);
    let title = format!("download {} of Debian 13", set.name);
    run::logged(&title, &mut download, &log("download"))?;
    let root = scratch.join("root");
    fs::create_dir_all(&root).with_context(|| format!("cannot create {}", root.display()))?;
    for package in apt.downloaded()? {
        let mut extract = Command::new("dpkg-deb");
        run::captured(extract.arg("--extract").arg(package).arg(&root))?;
    }
    Ok(root)
}

/// Returns the mirror that this machine has its own release from.
fn mirror() -> Result<String> {
    let system = fs::read_to_string("/etc/os-release").unwrap_or_default();
    let Some(release) = debian_release(&system) else {
        bail!("this is no Debian, of which its mirror would have {RELEASE}");
    };
    let mut apt = Command::new("apt-get");
    // Without the release's own file, which is not there before the first `apt-get update`.
    apt.args(["indextargets", "--no-release-info"]).args([
        "--format",
        "$(RELEASE) $(REPO_URI)",
        "Created-By: Packages",
    ]);
    let targets = run::captured(&mut apt)?;
    let mirror = mirror_of(&targets, release);
    let mirror = mirror.with_context(|| format!("apt has no source of {release}"))?;
    Ok(mirror.to_owned())
}

/// Returns the release that `/etc/os-release` names, if it is one of Debian's.
fn debian_release(text: &str) -> Option<&str> {
    let field = |name: &str| {
        text.lines().find_map(|line| {
            let (key, value) = line.split_once('=')?;
            (key == name).then(|| value.trim_matches('"'))
        })
    };
    if field("ID")? != "debian" {
        return None;
    }
    field("VERSION_CODENAME")
}

/// Returns the first address in `targets`, lines of a release and an address, that has the release.
fn mirror_of<'t>(targets: &'t str, release: &str) -> Option<&'t str> {
    targets
        .lines()
        .filter_map(|line| line.split_once(' '))
        .find_map(|(name, address)| (name == release).then_some(address))
}

/// apt with a state of its own, in which nothing is installed.
struct Apt {
    dir: PathBuf,
}

impl Apt {
    fn new(dir: &Path, mirror: &str) -> Result<Self> {
        for part in ["state/lists/partial", "cache/archives/partial"] {
            let part = dir.join(part);
            fs::create_dir_all(&part)
                .with_context(|| format!("cannot create {}", part.display()))?;
        }
        fs::write(dir.join("state/status"), "")?;
        let source = format!("deb [arch=amd64 signed-by={KEYRING}] {mirror} {RELEASE} main\n");
        fs::write(dir.join("sources.list"), source)?;
        Ok(Self {
            dir: dir.to_owned(),
        })
    }

    fn command(&self) -> Command {
        let mut apt = Command::new("apt-get");
        apt.env("DEBIAN_FRONTEND", "noninteractive");
        let mut option = |name: &str, value: OsString| {
            let mut option = OsString::from(format!("{name}="));
            option.push(value);
            apt.arg("-o").arg(option);
        };
        for (name, path) in [
            ("Dir::State", "state"),
            ("Dir::State::status", "state/status"),
            ("Dir::Cache", "cache"),
            ("Dir::Etc::SourceList", "sources.list"),
        ] {
            option(name, self.dir.join(path).into());
        }
        for (name, value) in [
            ("Dir::Etc::SourceParts", "/dev/null"),
            ("Dir::Etc::PreferencesParts", "/dev/null"),
            ("Acquire::Languages", "none"),
            (
                "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled",
                "false",
            ),
            // The user of apt's own downloads may not enter the cache.
            ("APT::Sandbox::User", "root"),
        ] {
            option(name, value.into());
        }
        apt
    }

    /// Returns the packages that were downloaded.
    fn downloaded(&self) -> Result<Vec<PathBuf>> {
        let archives = self.dir.join("cache/archives");
        let mut packages = Vec::new();
        for entry in fs::read_dir(&archives)
            .with_context(|| format!("cannot read {}", archives.display()))?
        {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "deb") {
                packages.push(path);
            }
        }
        Ok(packages)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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

    #[test]
    fn only_the_mirror_of_the_release_itself_is_taken() {
        let targets = "bookworm-security http://a/debian-security/\n\
                       bookworm-updates http://a/debian/\n\
                       bookworm http://b/debian/\n\
                       bookworm http://c/debian/\n";
        assert_eq!(mirror_of(targets, "bookworm"), Some("http://b/debian/"));
        assert_eq!(mirror_of(targets, "book"), None);
        assert_eq!(mirror_of("", "bookworm"), None);
    }

    #[test]
    fn another_distribution_is_not_asked_for_packages() {
        let debian = "NAME=\"Debian GNU/Linux\"\nVERSION_CODENAME=bookworm\nID=debian\n";
        assert_eq!(debian_release(debian), Some("bookworm"));
        assert_eq!(
            debian_release("ID=ubuntu\nID_LIKE=debian\nVERSION_CODENAME=noble\n"),
            None
        );
        assert_eq!(debian_release(""), None);
    }
}
