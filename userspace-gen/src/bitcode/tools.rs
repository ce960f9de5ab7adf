// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Chooses the LLVM that reads the bitcode.
//!
//! An LLVM reads bitcode of the same or an older LLVM. A machine may have several: `llvm-nm` of the
//! distribution, and `llvm-nm-22` of the kernel's compiler.

use super::inputs::Bitcode;
use super::producer::Producer;
use crate::error::{Error, ErrorKind, Result};
use std::collections::BTreeSet;
use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::Path;
use std::process::Command;

/// The tools that are needed.
pub(super) const NM: &str = "llvm-nm";
pub(super) const DIS: &str = "llvm-dis";

/// The place of LLVM's tools, in the form of kbuild's `LLVM=`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Llvm {
    /// In `PATH`: the tools without a suffix if they are new enough for the bitcode, or else tools with the
    /// bitcode's version or a later one as suffix.
    Path,
    /// In this directory.
    Directory(String),
    /// In `PATH`, with this suffix.
    Suffix(String),
}

impl Llvm {
    /// Reads a directory (for kbuild, with a `/` at the end), a suffix such as `-22`, or `1`.
    #[must_use]
    pub fn new(value: &str) -> Self {
        match value {
            _ if value.starts_with('-') => Self::Suffix(value.to_owned()),
            _ if value.ends_with('/') => Self::Directory(value.to_owned()),
            _ if value.contains('/') => Self::Directory(format!("{value}/")),
            _ => Self::Path,
        }
    }

    /// Returns the tools for `files`.
    ///
    /// # Errors
    ///
    /// `PATH` has no tools that are new enough.
    pub fn tools(&self, files: &[Bitcode]) -> Result<Tools> {
        let newest = Newest::of(files);
        let (prefix, suffix) = match self {
            Self::Directory(directory) => (directory.into(), OsString::new()),
            Self::Suffix(suffix) => (OsString::new(), suffix.into()),
            Self::Path => (OsString::new(), suffix_in_path(newest.as_ref())?),
        };
        Ok(Tools {
            prefix,
            suffix,
            newest,
        })
    }
}

/// The tools of one LLVM.
#[derive(Clone, Debug)]
pub struct Tools {
    prefix: OsString,
    suffix: OsString,
    newest: Option<Newest>,
}

impl Tools {
    /// Returns the command of a tool, without arguments.
    pub(super) fn command(&self, name: &str) -> Command {
        Command::new(self.program(name))
    }

    /// Returns the program of a tool.
    #[must_use]
    pub fn program(&self, name: &str) -> OsString {
        let mut program = self.prefix.clone();
        program.push(name);
        program.push(&self.suffix);
        program
    }

    /// Returns the advice for a tool that fails, in parentheses.
    pub(super) fn cure(&self, name: &str) -> String {
        let program = self.program(name);
        let Some(Newest {
            origin,
            producer,
            major,
        }) = &self.newest
        else {
            return " (expected LLVM of the compiler's version or later: --llvm=-22 or --llvm=DIR/)".into();
        };
        let made = format!("{origin} is bitcode of {}", producer.text);
        let Some(version) = version(&program) else {
            return format!(" ({made})");
        };
        let program = program.to_string_lossy();
        let advice = if major_of(&version).is_some_and(|found| found < *major) {
            format!("give LLVM {major} or later, --llvm=-{major} or --llvm=DIR/")
        } else {
            "a file may be damaged, build it again".to_owned()
        };
        format!(" ({made}, {program} is of LLVM {version}: {advice})")
    }
}

/// The file that needs the newest LLVM.
#[derive(Clone, Debug)]
struct Newest {
    origin: String,
    producer: Producer,
    major: u32,
}

impl Newest {
    fn of(files: &[Bitcode]) -> Option<Self> {
        let known = files.iter().filter_map(|file| {
            let producer = file.producer.as_ref()?;
            Some((producer.major?, file, producer))
        });
        let (major, file, producer) = known.max_by_key(|(major, ..)| *major)?;
        Some(Self {
            origin: file.origin.clone(),
            producer: producer.clone(),
            major,
        })
    }
}

/// Returns the suffix of the tools to use from `PATH`.
fn suffix_in_path(newest: Option<&Newest>) -> Result<OsString> {
    let path = env::var_os("PATH").unwrap_or_default();
    let directories: Vec<_> = env::split_paths(&path).collect();
    let has = |tool: &str| {
        directories
            .iter()
            .any(|directory| directory.join(tool).is_file())
    };
    let plain = (has(NM) && has(DIS)).then(|| version(OsStr::new(NM)));
    let mut majors = BTreeSet::new();
    for directory in &directories {
        majors.extend(suffixes(directory));
    }
    majors.retain(|major| has(&format!("{DIS}-{major}")));
    let Some(Newest {
        origin,
        producer,
        major,
    }) = newest
    else {
        // If no file tells its version, use the default, or else the newest.
        let last = majors.last().filter(|_| plain.is_none());
        return Ok(last
            .map(|major| format!("-{major}"))
            .unwrap_or_default()
            .into());
    };
    // A tool without a known version is tried.
    let is_new = |version: &Option<String>| match version.as_deref().and_then(major_of) {
        Some(found) => found >= *major,
        None => true,
    };
    if plain.as_ref().is_some_and(is_new) {
        return Ok(OsString::new());
    }
    if let Some(found) = majors.range(major..).next() {
        return Ok(format!("-{found}").into());
    }
    let mut found: Vec<_> = majors.iter().map(|major| format!("{NM}-{major}")).collect();
    if let Some(Some(version)) = plain {
        found.insert(0, format!("{NM} {version}"));
    }
    if found.is_empty() {
        found.push("none".to_owned());
    }
    let found = found.join(", ");
    let what = format!(
        "{origin} is bitcode of {}: expected {NM} and {DIS} of LLVM {major} or later in PATH, found \
        {found} (install LLVM {major}, or give its place with --llvm=DIR/)",
        producer.text
    );
    Err(Error::new(ErrorKind::Refused, what))
}

/// Returns the versions in the names `llvm-nm-<version>` of a directory.
fn suffixes(directory: &Path) -> Vec<u32> {
    let files = fs::read_dir(directory).into_iter().flatten().flatten();
    let major = |file: fs::DirEntry| {
        let name = file.file_name();
        let digits = name.to_str()?.strip_prefix(NM)?.strip_prefix('-')?;
        let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
        digits.parse().ok().filter(|_| is_number)
    };
    files.filter_map(major).collect()
}

/// Returns the version that a tool prints: 14.0.6 of `Debian LLVM version 14.0.6`.
fn version(program: &OsStr) -> Option<String> {
    let output = Command::new(program).arg("--version").output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let (_, rest) = text.split_once("LLVM version ")?;
    rest.split_whitespace().next().map(str::to_owned)
}

fn major_of(version: &str) -> Option<u32> {
    let end = version.find(|c: char| !c.is_ascii_digit());
    version[..end.unwrap_or(version.len())].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_tools_by_suffix_or_directory() {
        assert_eq!(Llvm::new("1"), Llvm::Path);
        assert_eq!(Llvm::new("-22"), Llvm::Suffix("-22".to_owned()));
        for directory in ["/opt/llvm/bin", "/opt/llvm/bin/"] {
            assert_eq!(
                Llvm::new(directory),
                Llvm::Directory("/opt/llvm/bin/".to_owned())
            );
        }
    }

    #[test]
    fn versions() {
        assert_eq!(major_of("22.1.8"), Some(22));
        assert_eq!(major_of("23.0.0git"), Some(23));
        assert_eq!(major_of("git"), None);
    }
}
