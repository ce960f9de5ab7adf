// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Packages of Debian's that are fetched and not installed: of this machine's own sources, or of another suite.
//!
//! The mirror of this machine's release has other releases as well. A suite is read with a state of its own, so that
//! nothing of it reaches the system. apt checks packages against the index that Debian has signed.

use super::run;
use anyhow::{bail, Context, Result};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The keys of the archive, which every Debian has for its own packages.
const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// The programs of apt with their options.
pub struct Apt {
    options: Vec<OsString>,
}

impl Apt {
    /// Returns the apt that this machine installs its packages with.
    pub fn of_machine() -> Self {
        let options = Vec::new();
        Self { options }
    }

    /// Returns an apt that knows a suite, such as `trixie-backports`, and nothing else. Its state is kept in `dir`, and
    /// nothing is installed in it.
    ///
    /// # Errors
    ///
    /// Fails if this machine is no Debian, or the suite cannot be read.
    pub fn of_suite(suite: &str, dir: &Path, log: &Path) -> Result<Self> {
        let apt = Self::knowing(suite, dir, &mirror(suite)?)?;
        let title = format!("read the packages of {suite}");
        run::logged(&title, apt.get().arg("update"), log)?;
        Ok(apt)
    }

    fn knowing(suite: &str, dir: &Path, mirror: &str) -> Result<Self> {
        for part in ["state/lists/partial", "cache/archives/partial"] {
            let part = dir.join(part);
            fs::create_dir_all(&part)
                .with_context(|| format!("cannot create {}", part.display()))?;
        }
        fs::write(dir.join("state/status"), "")?;
        let source = format!("deb [arch=amd64 signed-by={KEYRING}] {mirror} {suite} main\n");
        fs::write(dir.join("sources.list"), source)?;
        let mut apt = Self::of_machine();
        for (name, path) in [
            ("Dir::State", "state"),
            ("Dir::State::status", "state/status"),
            ("Dir::Cache", "cache"),
            ("Dir::Etc::SourceList", "sources.list"),
        ] {
            apt.option(name, dir.join(path).into());
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
            apt.option(name, value.into());
        }
        Ok(apt)
    }

    fn option(&mut self, name: &str, value: OsString) {
        let mut option = OsString::from(format!("{name}="));
        option.push(value);
        self.options.extend(["-o".into(), option]);
    }

    /// Returns `apt-get`.
    pub fn get(&self) -> Command {
        let mut get = Command::new("apt-get");
        get.env("DEBIAN_FRONTEND", "noninteractive")
            .args(&self.options);
        get
    }

    /// Returns the versions that there are of a package, the newest first.
    ///
    /// # Errors
    ///
    /// Fails if `apt-cache` does.
    pub fn versions(&self, package: &str) -> Result<Vec<String>> {
        let mut list = Command::new("apt-cache");
        list.args(&self.options).args(["madison", package]);
        Ok(versions_in(&run::captured(&mut list)?))
    }

    /// Fetches a version of a package to a directory, and returns the file.
    ///
    /// # Errors
    ///
    /// Fails if it cannot be fetched.
    pub fn fetch(&self, package: &str, version: &str, to: &Path, log: &Path) -> Result<PathBuf> {
        fs::create_dir_all(to).with_context(|| format!("cannot create {}", to.display()))?;
        let mut fetch = self.get();
        fetch
            .current_dir(to)
            .args(["download", &format!("{package}={version}")]);
        run::logged(&format!("fetch {package} {version}"), &mut fetch, log)?;
        let mut files = packages_in(to)?;
        files
            .pop()
            .with_context(|| format!("apt-get download: expected {package}, found nothing"))
    }

    /// Fetches packages with all that they depend on, and returns the files, which are in `dir`, that of the state.
    ///
    /// # Errors
    ///
    /// Fails if one cannot be fetched.
    pub fn fetch_all(&self, packages: &[&str], dir: &Path, log: &Path) -> Result<Vec<PathBuf>> {
        let mut fetch = self.get();
        fetch
            .args(["install", "--yes", "--download-only"])
            .arg("--no-install-recommends")
            .args(packages);
        run::logged(&format!("fetch {}", packages.join(" ")), &mut fetch, log)?;
        packages_in(&dir.join("cache/archives"))
    }
}

/// Unpacks the files of a package below a directory.
///
/// # Errors
///
/// Fails if `dpkg-deb` does.
pub fn unpack(package: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to).with_context(|| format!("cannot create {}", to.display()))?;
    let mut extract = Command::new("dpkg-deb");
    run::captured(extract.arg("--extract").arg(package).arg(to))?;
    Ok(())
}

/// Returns the packages in a directory.
fn packages_in(directory: &Path) -> Result<Vec<PathBuf>> {
    let mut packages = Vec::new();
    for entry in
        fs::read_dir(directory).with_context(|| format!("cannot read {}", directory.display()))?
    {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "deb") {
            packages.push(path);
        }
    }
    Ok(packages)
}

/// Reads `PACKAGE | VERSION | WHERE`, as `apt-cache madison` writes it.
fn versions_in(list: &str) -> Vec<String> {
    let versions = list.lines().filter_map(|line| line.split('|').nth(1));
    let mut versions: Vec<_> = versions.map(|version| version.trim().to_owned()).collect();
    // Several sources may have the same one.
    versions.dedup();
    versions
}

/// Returns the mirror that this machine has its own release from.
fn mirror(suite: &str) -> Result<String> {
    let system = fs::read_to_string("/etc/os-release").unwrap_or_default();
    let Some(release) = debian_release(&system) else {
        bail!("this machine is no Debian, whose mirror would have {suite}");
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

#[cfg(test)]
mod tests {
    use super::*;

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

    #[test]
    fn a_suite_is_read_without_anything_of_the_machine() {
        let dir = tempfile::tempdir().unwrap();
        let apt = Apt::knowing("trixie-backports", dir.path(), "http://a/debian/").unwrap();
        let sources = fs::read_to_string(dir.path().join("sources.list")).unwrap();
        assert!(sources.ends_with("] http://a/debian/ trixie-backports main\n"));
        let get = apt.get();
        let options: Vec<_> = get
            .get_args()
            .map(|option| option.to_string_lossy())
            .collect();
        for place in ["Dir::State=", "Dir::Cache=", "Dir::Etc::SourceList="] {
            let private = format!("{place}{}", dir.path().display());
            assert!(
                options.iter().any(|option| option.starts_with(&private)),
                "{options:?}"
            );
        }
        assert!(options
            .iter()
            .any(|o| o == "Dir::Etc::SourceParts=/dev/null"));
    }

    #[test]
    fn each_version_is_listed_once() {
        let list = " linux-source-7.3 | 7.3.6-1~bpo13+1 | http://a/debian trixie-backports/main\n\
                    \x20linux-source-7.3 | 7.3.6-1~bpo13+1 | http://b/debian trixie-backports/main\n\
                    \x20linux-source-7.3 | 7.3.4-1~bpo13+1 | http://a/debian trixie-backports/main\n";
        assert_eq!(versions_in(list), ["7.3.6-1~bpo13+1", "7.3.4-1~bpo13+1"]);
        assert!(versions_in("").is_empty());
    }
}
