// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The linker, as kbuild called it for vmlinux.o or a module, with some of its inputs replaced.
//!
//! The thin link runs in the build directory, since assembler in bitcode may name files there (`.incbin`).
//! The linker gets the members of archives instead of archives, so that each file has a path of its own in
//! the indexes. Each path begins with `./`, because the linker searches for a part of the path:
//! `./mm/slab.o` is no part of `./arch/x86/mm/slab.o`.

use super::jobs::run;
use super::kbuild::{Invocation, Saved};
use super::kernel::{is_bitcode, KbuildModule, KernelBuild};
use super::KbuildObject;
use crate::error::{Error, ErrorKind, Result};
use crate::file::read_file;
use crate::target::archive_members;
use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

/// The replacements of a link: patched files, by the names that kbuild has for the originals.
pub type Replaced = HashMap<PathBuf, PathBuf>;

/// A link of bitcode.
#[derive(Debug)]
pub struct ThinLink {
    /// The object that is linked.
    pub object: KbuildObject,
    words: Vec<Word>,
}

/// A word of the linker's command line.
#[derive(Debug)]
enum Word {
    Text(String),
    Input(Input),
}

/// An input of a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// The name that kbuild has for the file.
    pub kbuild_path: PathBuf,
    /// Says that the file is bitcode.
    pub is_bitcode: bool,
}

impl ThinLink {
    /// Reads the link line of vmlinux.o.
    ///
    /// # Errors
    ///
    /// The line, or an archive in it, cannot be read.
    pub fn vmlinux(kernel: &KernelBuild) -> Result<Self> {
        Self::read(
            kernel,
            KbuildObject::Vmlinux,
            kernel.link(),
            kernel.directory(),
        )
    }

    /// Reads the link line of a module's object.
    ///
    /// # Errors
    ///
    /// The line cannot be read, or is no link.
    pub fn module(kernel: &KernelBuild, module: &KbuildModule) -> Result<Self> {
        let object = module.ko.with_extension("o");
        let saved = Saved::open(kernel.directory(), &object)?;
        let is_link = |i: &&Invocation| i.words.iter().any(|word| word == "-r");
        let Some(link) = saved.invocations.iter().find(is_link) else {
            let what = format!(
                "{}: expected a saved command with ld -r, as of a kernel with ThinLTO, found none",
                object.display()
            );
            return Err(Error::new(ErrorKind::Unsupported, what));
        };
        let ran_in = saved.directory.as_deref().unwrap_or(kernel.directory());
        let mut link = Self::read(kernel, module.object.clone(), link, ran_in)?;
        // The linker has replaced the bitcode of a module's only file: the file is linked from a copy.
        for word in &mut link.words {
            match word {
                Word::Input(input) if input.kbuild_path == object => input.is_bitcode = true,
                _ => (),
            }
        }
        Ok(link)
    }

    /// Takes apart the line of a linker that ran in the directory `ran_in`.
    fn read(
        kernel: &KernelBuild,
        object: KbuildObject,
        link: &Invocation,
        ran_in: &Path,
    ) -> Result<Self> {
        let mut words = Vec::new();
        let mut given = link.words.iter();
        while let Some(word) = given.next() {
            let is_ours = [
                "--thinlto-cache-",
                "-Map=",
                "--Map=",
                "--print-",
                "--time-trace",
                "--lto-obj-path",
            ];
            if is_ours.iter().any(|start| word.starts_with(start)) {
                continue;
            }
            if matches!(word.as_str(), "-o" | "-Map" | "--Map") {
                given.next();
                continue;
            }
            // An argument of an option is no input: -T .tmp_initcalls.lds.
            if matches!(word.as_str(), "-T" | "-m" | "-z" | "-mllvm" | "--script") {
                words.push(Word::Text(word.clone()));
                words.extend(given.next().cloned().map(Word::Text));
                continue;
            }
            let path = Path::new(word);
            if let Some(list) = word.strip_prefix('@') {
                let list = read_file(&ran_in.join(list))?;
                let list = String::from_utf8_lossy(&list);
                for member in list.split_whitespace() {
                    words.push(input(kernel, Path::new(member))?);
                }
            } else if word.starts_with('-') || words.is_empty() {
                words.push(Word::Text(word.clone()));
            } else if path.extension().is_some_and(|e| e == "a") {
                archive(kernel, path, &mut words)?;
            } else if ran_in.join(path).is_file() {
                words.push(input(kernel, path)?);
            } else {
                words.push(Word::Text(word.clone()));
            }
        }
        Ok(Self { object, words })
    }

    /// Returns the bitcode files of the link, in order.
    pub fn bitcode(&self) -> impl Iterator<Item = &Path> {
        self.words.iter().filter_map(|word| match word {
            Word::Input(input) if input.is_bitcode => Some(input.kbuild_path.as_path()),
            _ => None,
        })
    }

    /// Returns every input of the link, in order.
    pub fn inputs(&self) -> impl Iterator<Item = &Input> {
        self.words.iter().filter_map(|word| match word {
            Word::Input(input) => Some(input),
            Word::Text(_) => None,
        })
    }

    /// Returns the linker.
    #[must_use]
    pub fn linker(&self) -> &str {
        match self.words.first() {
            Some(Word::Text(word)) => word,
            _ => "ld.lld",
        }
    }

    /// Returns the words of the line that are no inputs.
    pub fn options(&self) -> impl Iterator<Item = &str> {
        self.words.iter().filter_map(|word| match word {
            Word::Text(word) => Some(word.as_str()),
            Word::Input(_) => None,
        })
    }

    /// Returns the path that an input has in the link.
    #[must_use]
    pub fn path_of(input: &Path, replaced: &Replaced) -> String {
        match replaced.get(input) {
            Some(path) => path.display().to_string(),
            None if input.is_absolute() => input.display().to_string(),
            None => format!("./{}", input.display()),
        }
    }

    /// Writes the index of every bitcode file below `to`: `to/./mm/slab_common.o.thinlto.bc`.
    ///
    /// # Errors
    ///
    /// The linker fails.
    pub fn index(&self, kernel: &KernelBuild, replaced: &Replaced, to: &Path) -> Result<()> {
        let directory = to.display();
        fs::create_dir_all(to)
            .map_err(|e| Error::io(&format_args!("cannot write {directory}"), e))?;
        let options = [
            format!("--thinlto-index-only={directory}/files"),
            format!("--thinlto-prefix-replace=;{directory}/"),
        ];
        run(
            &self.line(replaced, options, &to.join("none")),
            kernel.directory(),
        )?;
        Ok(())
    }

    /// Returns the path of a file's index below the directory of [`ThinLink::index`].
    #[must_use]
    pub fn index_of(input: &Path, replaced: &Replaced, directory: &Path) -> PathBuf {
        let path = Self::path_of(input, replaced);
        PathBuf::from(format!("{}/{path}.thinlto.bc", directory.display()))
    }

    /// Makes the linker compile some of its bitcode files, and returns their objects in the order of
    /// `wanted`.
    ///
    /// `wanted` is in link order.
    ///
    /// # Errors
    ///
    /// The linker fails.
    pub fn backends(
        &self,
        kernel: &KernelBuild,
        replaced: &Replaced,
        wanted: &[&Path],
        jobs: usize,
        to: &Path,
    ) -> Result<Vec<PathBuf>> {
        self.compile(kernel, replaced, wanted, jobs, to, &[])?;
        let directory = to.display();
        // The object without a number is that of bitcode without ThinLTO.
        let objects = (1..=wanted.len()).map(|number| to.join(format!("object{number}")));
        let objects: Vec<_> = objects.collect();
        let next = to.join(format!("object{}", wanted.len() + 1));
        if objects.iter().all(|object| object.is_file()) && !next.exists() {
            return Ok(objects);
        }
        let what = format!(
            "{}: expected {} objects in {directory}, found another number (use LLD 16 or later)",
            self.linker(),
            wanted.len()
        );
        Err(Error::new(ErrorKind::Unsupported, what))
    }

    /// Makes the linker compile files, and returns the paths of their optimised bitcode in the order of `wanted`.
    ///
    /// All of `wanted` are replaced: the linker writes beside its inputs.
    ///
    /// # Errors
    ///
    /// The linker fails.
    pub fn optimised(
        &self,
        kernel: &KernelBuild,
        replaced: &Replaced,
        wanted: &[&Path],
        jobs: usize,
        to: &Path,
    ) -> Result<Vec<PathBuf>> {
        self.compile(kernel, replaced, wanted, jobs, to, &["--save-temps=opt"])?;
        let bitcode = wanted.iter().map(|input| {
            let path = PathBuf::from(format!("{}.4.opt.bc", Self::path_of(input, replaced)));
            if path.is_file() {
                return Ok(path);
            }
            let what = format!(
                "{}: expected the optimised bitcode {}, found none (use LLD 16 or later)",
                self.linker(),
                path.display()
            );
            Err(Error::new(ErrorKind::Unsupported, what))
        });
        bitcode.collect()
    }

    /// Runs the linker on some files only.
    fn compile(
        &self,
        kernel: &KernelBuild,
        replaced: &Replaced,
        wanted: &[&Path],
        jobs: usize,
        to: &Path,
        more: &[&str],
    ) -> Result<()> {
        let directory = to.display();
        fs::create_dir_all(to)
            .map_err(|e| Error::io(&format_args!("cannot write {directory}"), e))?;
        let single = wanted
            .iter()
            .map(|input| format!("--thinlto-single-module={}", Self::path_of(input, replaced)));
        let options = [
            format!("--lto-obj-path={directory}/object"),
            format!("--thinlto-jobs={jobs}"),
        ];
        let more = more.iter().map(|&option| option.to_owned());
        let options = options.into_iter().chain(single).chain(more);
        run(
            &self.line(replaced, options, &to.join("none")),
            kernel.directory(),
        )?;
        Ok(())
    }

    fn line(
        &self,
        replaced: &Replaced,
        options: impl IntoIterator<Item = String>,
        output: &Path,
    ) -> Invocation {
        let mut words: Vec<String> = self
            .words
            .iter()
            .map(|word| match word {
                Word::Text(text) => text.clone(),
                Word::Input(input) => Self::path_of(&input.kbuild_path, replaced),
            })
            .collect();
        words.extend(options);
        words.extend(["-o".to_owned(), output.display().to_string()]);
        Invocation { words }
    }
}

/// Replaces an archive by its members. Members that are linked only if they are needed stay so.
fn archive(kernel: &KernelBuild, path: &Path, words: &mut Vec<Word>) -> Result<()> {
    let file = kernel.directory().join(path);
    let data = read_file(&file)?;
    let is = |word: &Word, text: &str| matches!(word, Word::Text(word) if word == text);
    let last = words
        .iter()
        .rev()
        .find(|word| is(word, "--whole-archive") || is(word, "--no-whole-archive"));
    let is_whole = last.is_some_and(|word| is(word, "--whole-archive"));
    let mut members = Vec::new();
    for member in archive_members(&path.display().to_string(), &data)? {
        let member = OsStr::from_bytes(member);
        let member = path.parent().unwrap_or(Path::new("")).join(member);
        members.push(input(kernel, &member)?);
    }
    if is_whole {
        words.extend(members);
    } else {
        words.push(Word::Text("--start-lib".to_owned()));
        words.extend(members);
        words.push(Word::Text("--end-lib".to_owned()));
    }
    Ok(())
}

fn input(kernel: &KernelBuild, path: &Path) -> Result<Word> {
    let kbuild_path = kernel.kbuild_path(path);
    let is_bitcode = is_bitcode(&kernel.directory().join(&kbuild_path))?;
    Ok(Word::Input(Input {
        kbuild_path,
        is_bitcode,
    }))
}
