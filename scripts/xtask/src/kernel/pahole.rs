// SPDX-License-Identifier: GPL-2.0 OR MIT

//! pahole, which makes BTF of debug information: the user's, or that of Debian 13.
//!
//! Debian 12 has 1.24, which leaves promoted functions out. Its own mirror has Debian 13 as well: the package
//! is unpacked into the cache together with the libraries that it is linked with, down to libc and its
//! loader, so that nothing of it reaches the system. apt resolves what is needed, and checks it against the
//! index that Debian has signed. The versions of the libraries are not pinned: a point release replaces
//! them, and the mirror then no longer has the old ones.

use std::{
    env,
    ffi::OsString,
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command, //
};

use anyhow::{
    bail,
    ensure,
    Context,
    Result, //
};

use super::{
    lane::Lane,
    tools, //
};
use crate::run;

/// From this version on promoted functions are in the BTF of a kernel with ThinLTO, and Rust is not.
const OLDEST: Version = Version(1, 30);

/// The release that has it, and the keys of the archive, which Debian 12 has for its own packages.
const RELEASE: &str = "trixie";
const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// Runs the unpacked program with the libraries that were unpacked beside it.
const WRAPPER: &str = r#"#!/bin/sh
root=${0%/bin/pahole}/root
exec "$root/usr/lib64/ld-linux-x86-64.so.2" --library-path "$root/usr/lib/x86_64-linux-gnu" \
	"$root/usr/bin/pahole" "$@"
"#;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Version(u32, u32);

/// Returns the program that makes BTF, if the lane has any.
///
/// # Errors
///
/// Fails if the lane needs one that is neither on this machine nor can be installed.
pub fn ensure(lane: Lane, logs: &Path) -> Result<Option<PathBuf>> {
    if !lane.has_btf() {
        return Ok(None);
    }
    match system() {
        Some(pahole) => Ok(Some(pahole)),
        None => from_debian(logs).map(Some),
    }
}

/// Returns the first pahole in `PATH` that is recent enough.
fn system() -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path)
        .map(|dir| dir.join("pahole"))
        .find(|pahole| version(pahole).is_some_and(|version| version >= OLDEST))
}

fn version(pahole: &Path) -> Option<Version> {
    parse(&run::captured(Command::new(pahole).arg("--version")).ok()?)
}

/// Reads `v1.30`, as scripts/pahole-version.sh does.
fn parse(text: &str) -> Option<Version> {
    let (major, minor) = text.trim().strip_prefix('v')?.split_once('.')?;
    Some(Version(major.parse().ok()?, minor.parse().ok()?))
}

/// Installs the program of Debian 13 into the cache if it is not there.
fn from_debian(logs: &Path) -> Result<PathBuf> {
    tools::installed(&format!("pahole-{RELEASE}"), "bin/pahole", |scratch| {
        let mirror = mirror()?;
        let apt = Apt::new(&scratch.join("apt"), &mirror)?;
        run::logged(
            apt.command().arg("update"),
            &logs.join("pahole-apt-update.log"),
        )?;
        let mut download = apt.command();
        download
            .args(["install", "--yes", "--download-only"])
            .args(["--no-install-recommends", "pahole"]);
        run::logged(&mut download, &logs.join("pahole-apt-download.log"))?;

        let whole = scratch.join("pahole");
        let root = whole.join("root");
        fs::create_dir_all(&root).with_context(|| format!("cannot create {}", root.display()))?;
        for package in apt.downloaded()? {
            let mut extract = Command::new("dpkg-deb");
            run::captured(extract.arg("--extract").arg(package).arg(&root))?;
        }
        let program = whole.join("bin/pahole");
        fs::create_dir_all(whole.join("bin"))?;
        fs::write(&program, WRAPPER)
            .with_context(|| format!("cannot write {}", program.display()))?;
        fs::set_permissions(&program, Permissions::from_mode(0o755))?;
        let version = version(&program).context("pahole of Debian 13 does not run here")?;
        ensure!(
            version >= OLDEST,
            "{RELEASE} has pahole {}.{}, which is too old",
            version.0,
            version.1
        );
        Ok(whole)
    })
}

/// Returns the mirror that this machine has its own release from.
fn mirror() -> Result<String> {
    const HELP: &str = "the lane btf needs pahole 1.30 or later; install it, so that it is in PATH";
    let system = fs::read_to_string("/etc/os-release").unwrap_or_default();
    let Some(release) = debian_release(&system) else {
        bail!("{HELP}");
    };
    let mut apt = Command::new("apt-get");
    // Without the release's own file, which is not there before the first `apt-get update`.
    apt.args(["indextargets", "--no-release-info"]).args([
        "--format",
        "$(RELEASE) $(REPO_URI)",
        "Created-By: Packages",
    ]);
    let targets = run::captured(&mut apt).context(HELP)?;
    let mirror = mirror_of(&targets, release);
    let mirror = mirror.with_context(|| format!("apt has no source of {release}; {HELP}"))?;
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
    fn versions_are_compared_as_numbers() {
        assert_eq!(parse("v1.30\n"), Some(Version(1, 30)));
        assert!(parse("v1.9").unwrap() < OLDEST);
        assert!(parse("v2.0").unwrap() > OLDEST);
        for text in ["", "1.30", "v1", "v1.x", "pahole v1.30"] {
            assert_eq!(parse(text), None, "{text}");
        }
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
