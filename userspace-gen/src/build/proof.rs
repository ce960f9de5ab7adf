// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The proof that a file of the tree, compiled now, gives the same object as in the kernel's build.
//!
//! The cache keeps the proof by everything that the compiler reads, so that an unchanged file is compiled
//! once.

use super::cache::{Cache, CacheKey};
use super::changed::Dependant;
use super::compile::Compiler;
use super::disassembler::Disassembler;
use super::jobs::output;
use super::kbuild::Invocation;
use super::kernel::{is_bitcode, KernelBuild};
use super::{BuildRefusal, RefusalKind};
use crate::error::{Error, Result};
use crate::file::read_file;
use blake3::Hash;
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// The name of the bitcode in an entry of the cache.
const BITCODE: &str = "bitcode.o";

/// Compiles original files, and keeps the results.
#[derive(Debug)]
pub struct Originals<'o> {
    kernel: &'o KernelBuild,
    cache: &'o Cache,
    compiler: Compiler,
    disassembler: &'o Disassembler,
    /// The hashes of files that many objects read.
    known: Mutex<HashMap<PathBuf, Hash>>,
    /// The versions of the compilers.
    versions: Mutex<HashMap<String, Vec<u8>>>,
}

impl<'o> Originals<'o> {
    /// Returns a value that compiles with `compiler`, which has no additional options.
    #[must_use]
    pub fn new(
        kernel: &'o KernelBuild,
        cache: &'o Cache,
        compiler: Compiler,
        disassembler: &'o Disassembler,
    ) -> Self {
        Self {
            kernel,
            cache,
            compiler,
            disassembler,
            known: Mutex::default(),
            versions: Mutex::default(),
        }
    }

    /// Returns the bitcode of a file in the build directory, if it is still there.
    ///
    /// The linker has replaced the bitcode of a module's only file, and objtool has changed native code.
    ///
    /// # Errors
    ///
    /// A file cannot be read.
    pub fn in_tree(&self, dependant: &Dependant) -> Result<Option<PathBuf>> {
        let object = self.kernel.directory().join(&dependant.kbuild_path);
        Ok(is_bitcode(&object)?.then_some(object))
    }

    /// Returns the object of an unpatched file, if it is the same as in the build directory.
    ///
    /// # Errors
    ///
    /// A file cannot be read, or the compiler cannot be run.
    pub fn get(
        &self,
        dependant: &Dependant,
        to: &Path,
    ) -> Result<std::result::Result<PathBuf, BuildRefusal>> {
        let path = &dependant.kbuild_path;
        let key = self.key(dependant)?;
        if let Some(entry) = self.cache.find("original", key) {
            return Ok(Ok(entry.join(BITCODE)));
        }
        let refuse = |reason: String| BuildRefusal {
            kind: RefusalKind::OtherBuild,
            subject: path.display().to_string(),
            reason,
        };
        if let Err(why) = self
            .compiler
            .compile(self.kernel, path, &dependant.saved, to)?
        {
            return Ok(Err(refuse(format!(
                "does not compile without the patch: {why} (this is not the source of the kernel: give the tree with \
                --source)"
            ))));
        }
        let in_tree = self.in_tree(dependant)?;
        if let Some(in_tree) = &in_tree {
            if !self.is_same(in_tree, to)? {
                return Ok(Err(refuse(
                    "compiled without the patch, the object differs from the one in the build directory: source, compiler \
                    or options are not those of the kernel's build (give the tree with --source, or build the kernel again)"
                        .to_owned(),
                )));
            }
        }
        let original = in_tree.as_deref().unwrap_or(to);
        let entry = self.cache.entry("original", key, |directory| {
            let copied = fs::copy(original, directory.join(BITCODE));
            copied
                .map_err(|e| Error::io(&format_args!("cannot copy {}", original.display()), e))?;
            Ok(())
        })?;
        Ok(Ok(entry.join(BITCODE)))
    }

    /// Returns true if both objects compile to the same code.
    ///
    /// A compile farm gives the compiler preprocessed text, in which assembler has other places (`!srcloc`).
    fn is_same(&self, in_tree: &Path, compiled: &Path) -> Result<bool> {
        Ok(is_bitcode(compiled)? && self.disassembler.differing(in_tree, compiled)?.is_none())
    }

    fn key(&self, dependant: &Dependant) -> Result<Hash> {
        let mut key = CacheKey::new("original");
        let saved = &dependant.saved;
        for invocation in &saved.invocations {
            for word in &invocation.words {
                key.add(word.as_bytes());
            }
        }
        key.add(&self.version(saved.compile().map_or("", Invocation::program_word))?);
        key.add(self.contents(&dependant.kbuild_path)?.as_bytes());
        for path in saved.source.iter().chain(&saved.dependencies) {
            key.add(path.as_os_str().as_encoded_bytes());
            key.add(self.contents(path)?.as_bytes());
        }
        Ok(key.finish())
    }

    fn version(&self, compiler: &str) -> Result<Vec<u8>> {
        if let Some(version) = lock(&self.versions).get(compiler) {
            return Ok(version.clone());
        }
        let words = vec![compiler.to_owned(), "--version".to_owned()];
        let version = output(&Invocation { words }, self.kernel.directory())?.stdout;
        lock(&self.versions).insert(compiler.to_owned(), version.clone());
        Ok(version)
    }

    /// Returns the hash of a file; a file that does not exist any more has the hash of no bytes.
    fn contents(&self, path: &Path) -> Result<Hash> {
        if let Some(hash) = lock(&self.known).get(path) {
            return Ok(*hash);
        }
        let file = self.kernel.directory().join(path);
        let hash = if file.is_file() {
            blake3::hash(&read_file(&file)?)
        } else {
            blake3::hash(b"")
        };
        lock(&self.known).insert(path.to_owned(), hash);
        Ok(hash)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}
