// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The backends: the objects that the link makes of single bitcode files.
//!
//! The linker makes them with exactly the settings of the real link. If the compiler has the linker's
//! version, the compiler makes the same objects from the index of each file (`-fthinlto-index=`), and each
//! file can be compiled on another processor or machine.

use super::cache::{Cache, CacheKey};
use super::compile::Compiler;
use super::jobs::{each, output, run};
use super::kbuild::{Invocation, Saved};
use super::kernel::KernelBuild;
use super::path::copy_below;
use super::progress::Progress;
use super::thin_link::{Replaced, ThinLink};
use crate::error::{Error, Result};
use std::fs;
use std::path::{Path, PathBuf};

/// The program that compiles bitcode to objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// The linker, in one process.
    Linker,
    /// The compiler, in a process for each file.
    Compiler,
}

/// A file whose object is wanted.
#[derive(Clone, Debug)]
pub struct Wanted<'w> {
    /// The name that kbuild has for the file.
    pub kbuild_path: &'w Path,
    /// The saved command that compiled the source.
    pub saved: &'w Saved,
}

/// The compiler of bitcode for one link.
#[derive(Debug)]
pub struct Backends<'b> {
    /// The build.
    pub kernel: &'b KernelBuild,
    /// The link that the files belong to.
    pub link: &'b ThinLink,
    /// The compiler's launcher.
    pub compiler: &'b Compiler,
    /// The number of processes.
    pub jobs: usize,
    /// The program.
    pub backend: Backend,
}

impl Backend {
    /// Returns the compiler if it has the linker's version, or else the linker.
    ///
    /// # Errors
    ///
    /// A program cannot be run.
    pub fn of(kernel: &KernelBuild, link: &ThinLink, saved: &Saved) -> Result<Self> {
        let compiler = saved.compile().map_or("clang", Invocation::program_word);
        let [compiler, linker] = [compiler, link.linker()].map(|program| version(kernel, program));
        let (compiler, linker) = (compiler?, linker?);
        Ok(if compiler.is_some() && compiler == linker {
            Self::Compiler
        } else {
            Self::Linker
        })
    }
}

/// Returns the version that a program of LLVM says it has: `22.1.8` of `Debian LLD 22.1.8 (compatible …)`.
fn version(kernel: &KernelBuild, program: &str) -> Result<Option<String>> {
    let invocation = Invocation {
        words: vec![program.to_owned(), "--version".to_owned()],
    };
    let output = output(&invocation, kernel.directory())?;
    let text = String::from_utf8_lossy(&output.stdout);
    let mut words = text.split_whitespace();
    let is_version = |word: &&str| word.starts_with(|c: char| c.is_ascii_digit());
    Ok(words.find(is_version).map(str::to_owned))
}

impl Backends<'_> {
    /// Compiles files; returns their objects in the order of `wanted`, which is link order.
    ///
    /// # Errors
    ///
    /// A program fails.
    pub fn compile(
        &self,
        wanted: &[Wanted<'_>],
        replaced: &Replaced,
        index: &Path,
        to: &Path,
        progress: &dyn Progress,
    ) -> Result<Vec<PathBuf>> {
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        if self.backend == Backend::Linker {
            let inputs: Vec<_> = wanted.iter().map(|file| file.kbuild_path).collect();
            let objects = self
                .link
                .backends(self.kernel, replaced, &inputs, self.jobs, to);
            for input in inputs {
                progress.advance(&input.display().to_string());
            }
            return objects;
        }
        each(self.jobs, wanted, |file| {
            let object = copy_below(to, file.kbuild_path);
            let made = object.parent().map_or(Ok(()), fs::create_dir_all);
            made.map_err(|e| Error::io(&format_args!("cannot write {}", object.display()), e))?;
            let index = ThinLink::index_of(file.kbuild_path, replaced, index);
            let input = ThinLink::path_of(file.kbuild_path, replaced);
            run(
                &self.invocation(file.saved, &input, &index, &object),
                self.kernel.directory(),
            )?;
            progress.advance(&file.kbuild_path.display().to_string());
            Ok(object)
        })
    }

    /// Returns the objects of original files, which the cache keeps.
    ///
    /// # Errors
    ///
    /// A program fails, or the cache cannot be written.
    pub fn cached(
        &self,
        cache: &Cache,
        wanted: &[Wanted<'_>],
        replaced: &Replaced,
        index: &Path,
        to: &Path,
        progress: &dyn Progress,
    ) -> Result<Vec<PathBuf>> {
        let program = match (
            self.backend,
            wanted.first().and_then(|file| file.saved.compile()),
        ) {
            (Backend::Compiler, Some(compile)) => compile.program_word(),
            _ => self.link.linker(),
        };
        let words = vec![program.to_owned(), "--version".to_owned()];
        let version = output(&Invocation { words }, self.kernel.directory())?.stdout;
        let keys = wanted
            .iter()
            .map(|file| self.key(file, &version, replaced, index));
        let keys = keys.collect::<Result<Vec<_>>>()?;
        let missing: Vec<_> = (0..wanted.len())
            .filter(|&at| cache.find("object", keys[at]).is_none())
            .collect();
        for _ in missing.len()..wanted.len() {
            progress.advance("from the cache");
        }
        let files: Vec<_> = missing.iter().map(|&at| wanted[at].clone()).collect();
        let objects = self.compile(&files, replaced, index, to, progress)?;
        for (&at, object) in missing.iter().zip(&objects) {
            cache.entry("object", keys[at], |directory| {
                let copied = fs::copy(object, directory.join("object.o"));
                copied
                    .map_err(|e| Error::io(&format_args!("cannot copy {}", object.display()), e))?;
                Ok(())
            })?;
        }
        let paths = keys.into_iter().map(|key| {
            let entry = cache.entry("object", key, |_| Ok(()))?;
            Ok(entry.join("object.o"))
        });
        paths.collect()
    }

    /// Returns the name of a file's object in the cache: the index has the hashes of all that the file
    /// imports.
    fn key(
        &self,
        file: &Wanted<'_>,
        version: &[u8],
        replaced: &Replaced,
        index: &Path,
    ) -> Result<blake3::Hash> {
        let mut key = CacheKey::new("object");
        key.add(version);
        for word in self.link.options() {
            key.add(word.as_bytes());
        }
        key.add(file.kbuild_path.as_os_str().as_encoded_bytes());
        // A replaced original was compiled again, to the same contents in another place.
        let mut index = fs::read(ThinLink::index_of(file.kbuild_path, replaced, index))
            .map_err(|e| Error::io(&"cannot read an index of the thin link", e))?;
        for path in replaced.values() {
            let path = path.as_os_str().as_encoded_bytes();
            while let Some(at) = memchr::memmem::find(&index, path) {
                index[at..at + path.len()].fill(b'.');
            }
        }
        key.add(&index);
        let input = ThinLink::path_of(file.kbuild_path, replaced);
        key.add_file(&self.kernel.directory().join(input))?;
        key.add(match self.backend {
            Backend::Linker => b"linker",
            Backend::Compiler => b"compiler",
        });
        Ok(key.finish())
    }

    fn invocation(&self, saved: &Saved, input: &str, index: &Path, object: &Path) -> Invocation {
        let mut words = self.compiler.launcher.clone();
        let compile = saved.compile();
        words.push(compile.map_or("clang", Invocation::program_word).to_owned());
        // Only the target and its code model are not in the bitcode.
        let is_target = |word: &&String| {
            ["--target=", "-mcmodel=", "-march="]
                .iter()
                .any(|start| word.starts_with(start))
                || matches!(
                    word.as_str(),
                    "-fno-PIE" | "-fno-pie" | "-fno-pic" | "-m64" | "-m32"
                )
        };
        words.extend(
            compile
                .into_iter()
                .flat_map(|c| &c.words)
                .filter(is_target)
                .cloned(),
        );
        let mut options = self.link.options();
        let mut level = "2";
        while let Some(option) = options.next() {
            if option == "-mllvm" {
                words.push(option.to_owned());
                words.extend(options.next().map(str::to_owned));
            } else if let Some(given) = option.strip_prefix("--lto-O") {
                level = given;
            }
        }
        let fixed = [
            "-ffunction-sections",
            "-fdata-sections",
            "-faddrsig",
            "-c",
            "-x",
            "ir",
        ];
        words.push(format!("-O{level}"));
        words.extend(fixed.map(str::to_owned));
        words.push(input.to_owned());
        words.push(format!("-fthinlto-index={}", index.display()));
        words.extend(["-o".to_owned(), object.display().to_string()]);
        Invocation { words }
    }
}
