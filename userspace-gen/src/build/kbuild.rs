// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The `.cmd` files, in which kbuild saves the command that made each file.
//!
//! `mm/.slab_common.o.cmd` has the shell command that made `mm/slab_common.o`, its source, and every file that the
//! compiler read for it (`scripts/basic/fixdep.c` writes the list).

use super::path::normal;
use crate::error::{Error, ErrorKind, Result};
use std::fs;
use std::path::{Path, PathBuf};

/// A program of a command, as the shell would start it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invocation {
    /// The program and its arguments.
    pub words: Vec<String>,
}

/// The contents of a `.cmd` file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Saved {
    /// The programs that the command runs, one after the other.
    pub invocations: Vec<Invocation>,
    /// The source file, if fixdep wrote the `.cmd` file.
    pub source: Option<PathBuf>,
    /// The files that the compiler read, without the source.
    pub dependencies: Vec<PathBuf>,
    /// The target, as the command names it.
    pub target: PathBuf,
    /// The directory in which the command ran, unless that is the build directory of the kernel. Since 6.13, kbuild
    /// builds an external module in its own directory. `source` and `dependencies` are absolute then.
    pub directory: Option<PathBuf>,
}

/// Returns the path of the `.cmd` file of a target: `mm/.slab_common.o.cmd` for `mm/slab_common.o`.
#[must_use]
pub fn path_of(target: &Path) -> PathBuf {
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    target.with_file_name(format!(".{name}.cmd"))
}

impl Saved {
    /// Reads the `.cmd` file of a target below the build directory.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or its command needs a shell.
    pub fn open(directory: &Path, target: &Path) -> Result<Self> {
        let path = directory.join(path_of(target));
        let text = fs::read_to_string(&path).map_err(|e| {
            let what = "expected the .cmd file that kbuild writes beside each file";
            Error::io(&format_args!("cannot read {}: {what}", path.display()), e)
        })?;
        Self::read(directory, &path, &text)
    }

    /// Reads the text of the `.cmd` file `path` of a kernel that was built in `directory`.
    ///
    /// # Errors
    ///
    /// There is no command, or the command needs a shell.
    pub fn read(directory: &Path, path: &Path, text: &str) -> Result<Self> {
        let saved = Self::parse(&path.display().to_string(), text)?;
        let beside = saved.target.parent().unwrap_or(Path::new(""));
        let mut ran_in = path.parent().unwrap_or(Path::new(""));
        for _ in normal(beside).components() {
            ran_in = ran_in.parent().unwrap_or(ran_in);
        }
        if saved.target.is_absolute() || ran_in == directory {
            return Ok(saved);
        }
        let absolute = |path: PathBuf| normal(&ran_in.join(path));
        Ok(Self {
            source: saved.source.map(absolute),
            dependencies: saved.dependencies.into_iter().map(absolute).collect(),
            directory: Some(ran_in.to_owned()),
            ..saved
        })
    }

    /// Reads the text of a `.cmd` file, wherever its command ran.
    ///
    /// # Errors
    ///
    /// There is no command, or the command needs a shell.
    pub fn parse(origin: &str, text: &str) -> Result<Self> {
        let mut saved = None;
        let mut target = PathBuf::new();
        let mut source = None;
        let mut dependencies = Vec::new();
        let mut in_dependencies = false;
        for line in text.lines() {
            if in_dependencies {
                let (name, goes_on) = match line.strip_suffix('\\') {
                    Some(name) => (name.trim(), true),
                    None => (line.trim(), false),
                };
                in_dependencies = goes_on;
                // $(wildcard include/config/SMP) is a dependency on an option.
                if !name.is_empty() && !name.starts_with('$') {
                    dependencies.push(PathBuf::from(name));
                }
                continue;
            }
            let Some((variable, value)) = line.split_once(" := ") else {
                continue;
            };
            let made = ["savedcmd_", "cmd_"];
            let made = made.iter().find_map(|start| variable.strip_prefix(start));
            if let Some(made) = made {
                saved = Some(value);
                target = PathBuf::from(made);
            } else if variable.starts_with("source_") {
                source = Some(PathBuf::from(value.trim()));
            } else if variable.starts_with("deps_") {
                in_dependencies = value.trim_end() == "\\";
            }
        }
        let command = saved.ok_or_else(|| {
            Error::malformed(
                origin,
                "expected a line savedcmd_TARGET := COMMAND, found none",
            )
        })?;
        Ok(Self {
            invocations: split(origin, command)?,
            source,
            dependencies,
            target,
            directory: None,
        })
    }

    /// Returns the compiler's invocation: the one with the option `-c`.
    #[must_use]
    pub fn compile(&self) -> Option<&Invocation> {
        let mut all = self.invocations.iter();
        all.find(|invocation| invocation.words.iter().any(|word| word == "-c"))
    }
}

impl Invocation {
    /// Returns the argument behind `option`: `-o vmlinux.o`.
    #[must_use]
    pub fn value(&self, option: &str) -> Option<&str> {
        let at = self.words.iter().position(|word| word == option)?;
        self.words.get(at + 1).map(String::as_str)
    }

    /// Returns the invocation with another argument behind `option`.
    #[must_use]
    pub fn with_value(mut self, option: &str, value: String) -> Self {
        let at = self.words.iter().position(|word| word == option);
        if let Some(old) = at.and_then(|at| self.words.get_mut(at + 1)) {
            *old = value;
        }
        self
    }

    /// Returns the program's own name, without its directory: `clang-22` of `ccache /opt/llvm/bin/clang-22
    /// -c x.c`.
    #[must_use]
    pub fn program(&self) -> &str {
        self.program_word().rsplit('/').next().unwrap_or_default()
    }

    /// Returns the program as the command names it, without a launcher.
    #[must_use]
    pub fn program_word(&self) -> &str {
        let words = self.words.iter().take_while(|word| !word.starts_with('-'));
        words.last().map_or("", String::as_str)
    }
}

/// Takes a saved command apart: make's escapes, then the shell's words.
fn split(origin: &str, command: &str) -> Result<Vec<Invocation>> {
    let command = command.replace("$(pound)", "#").replace("$$", "$");
    let mut invocations = Vec::new();
    for part in statements(&command) {
        let words = shlex::split(part).ok_or_else(|| {
            let what = format!("expected a command with complete quotes, found {part}");
            Error::malformed(origin, what)
        })?;
        if !words.is_empty() {
            invocations.push(Invocation { words });
        }
    }
    if invocations.is_empty() {
        let what = format!("{origin}: expected a command, found an empty one");
        return Err(Error::new(ErrorKind::Malformed, what));
    }
    Ok(invocations)
}

/// Splits a command at each `;`, `&&` and `|` that stands outside of quotes.
fn statements(command: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut quote, mut escaped) = (0, None, false);
    for (at, c) in command.char_indices() {
        match (quote, c) {
            _ if escaped => escaped = false,
            (None | Some('"'), '\\') => escaped = true,
            (Some(open), c) if open == c => quote = None,
            (None, '"' | '\'') => quote = Some(c),
            (None, ';' | '&' | '|') => {
                parts.push(&command[start..at]);
                start = at + c.len_utf8();
            }
            _ => (),
        }
    }
    parts.push(&command[start..]);
    parts
}
