// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Finds static functions of the kernel that the optimiser gave other arguments than they have in the source.
//!
//! LLVM removes arguments and results that nobody uses, and passes a value in place of a pointer to it
//! (`DeadArgumentElimination.cpp`, `ArgumentPromotion.cpp`). Both only happen to functions with local linkage whose
//! callers are all known. A livepatch that was compiled from the kernel's declaration calls such a function with the
//! wrong registers. The names stay the same, and without debug information vmlinux says nothing.
//!
//! So the source is compiled once more without optimisation, the link's backend compiles the file once more, and both
//! are compared. The cache keeps the differences of a file.

pub mod signature;

use super::cache::{Cache, CacheKey};
use super::changed::{Dependant, Part};
use super::compile::Compiler;
use super::disassembler::Disassembler;
use super::identity::order::MemberSymbols;
use super::jobs::each;
use super::kbuild::Saved;
use super::kernel::{KbuildModule, KernelBuild};
use super::path::copy_below;
use super::proof::Originals;
use super::thin_link::{Replaced, ThinLink};
use super::{KbuildObject, Reason, Refusable};
use crate::elf::ElfInput;
use crate::error::{Error, ErrorKind, Result};
use object::elf::STT_FUNC;
use serde::{Deserialize, Serialize};
use signature::Signatures;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// The file of an entry in the cache.
const ENTRY: &str = "calls.json";

/// The functions of a file whose callers in the kernel pass something else than the source says, by name.
pub type ChangedCalls = BTreeMap<String, ChangedCall>;

/// A function of the kernel whose callers pass something else than the source says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChangedCall {
    /// The function has other arguments or another result.
    Signature {
        /// The signature in the source, in LLVM's types.
        source: String,
        /// The signature in the kernel's code.
        code: String,
    },
    /// The function has its arguments, but reads only some. Callers in its file pass nothing in place of the others.
    Unread {
        /// The numbers of the arguments that are not passed; the first one is 1.
        arguments: Vec<usize>,
    },
}

/// A function of the kernel that a livepatch calls or replaces.
#[derive(Clone, Copy, Debug, Default)]
pub struct Function<'f> {
    /// The object that has the function.
    pub object: &'f str,
    /// Its full name.
    pub name: &'f [u8],
    /// Its address; in a module, the offset in its section.
    pub address: u64,
}

/// The result of the comparison for a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallComparison {
    /// The callers in the kernel pass what the source says.
    Same,
    /// They pass something else.
    Changed(ChangedCall),
    /// The function is not static, or is not among those that ThinLTO compiled: nothing is compared. LLVM does not change
    /// the calls of a function that is not static.
    NotKnown,
}

impl CallComparison {
    /// Returns true if a livepatch that was compiled from the function's declaration calls it, or is called, with the
    /// wrong registers.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        matches!(self, Self::Changed(ChangedCall::Signature { .. }))
    }
}

/// The comparison of the calls of a kernel.
#[derive(Debug)]
pub struct Calls<'k> {
    kernel: &'k KernelBuild,
    cache: &'k Cache,
    jobs: usize,
    disassembler: Disassembler,
    modules: Vec<KbuildModule>,
}

impl<'k> Calls<'k> {
    /// Prepares the comparison, which runs up to `jobs` programs at a time.
    ///
    /// # Errors
    ///
    /// A file of the build cannot be read, or there is no `llvm-dis` that is new enough.
    pub fn new(kernel: &'k KernelBuild, cache: &'k Cache, jobs: usize) -> Result<Self> {
        Ok(Self {
            kernel,
            cache,
            jobs,
            disassembler: kernel.disassembler()?,
            modules: kernel.modules()?,
        })
    }

    /// Compares what the callers of functions pass with the source, and returns the results in the order of `functions`.
    ///
    /// # Errors
    ///
    /// A file cannot be read or written, or a program of the kernel's build fails.
    pub fn compare(&self, functions: &[Function<'_>]) -> Result<Refusable<Vec<CallComparison>>> {
        let places = self.places(functions)?;
        let mut found = HashMap::new();
        let objects: BTreeSet<_> = places.iter().flatten().map(|(object, _)| object).collect();
        for object in objects {
            let of_object = places.iter().flatten().filter(|(of, _)| of == object);
            let files: BTreeSet<_> = of_object.map(|(_, path)| path.clone()).collect();
            let files: Vec<_> = files.into_iter().collect();
            match self.of_files(object, &files)? {
                Ok(changed) => found.extend(files.into_iter().zip(changed)),
                Err(refusals) => return Ok(Err(refusals)),
            }
        }
        let results = functions.iter().zip(&places).map(|(function, place)| {
            let Some(of_file) = place.as_ref().and_then(|(_, path)| found.get(path)) else {
                return CallComparison::NotKnown;
            };
            let name = String::from_utf8_lossy(function.name);
            match of_file.get(&*name) {
                Some(changed) => CallComparison::Changed(changed.clone()),
                None => CallComparison::Same,
            }
        });
        Ok(Ok(results.collect()))
    }

    /// Returns the bitcode file of each function, as far as the symbol tables tell.
    fn places(&self, functions: &[Function<'_>]) -> Result<Vec<Option<(KbuildObject, PathBuf)>>> {
        let mut places = vec![None; functions.len()];
        let objects: BTreeSet<_> = functions.iter().map(|function| function.object).collect();
        for name in objects {
            let (object, path, members) = if name == "vmlinux" {
                let members = self.kernel.members().iter().filter(|m| m.is_bitcode);
                let members = members.map(|member| member.path.clone()).collect();
                (KbuildObject::Vmlinux, self.kernel.vmlinux(), members)
            } else {
                let Some(module) = self.modules.iter().find(|m| m.object.name() == name) else {
                    continue;
                };
                let path = self.kernel.directory().join(&module.ko);
                (module.object.clone(), path, module.members.clone())
            };
            let input = ElfInput::open(&path)?;
            let elf = input.parse()?;
            let Ok(files) = MemberSymbols::of(&elf, &members) else {
                continue;
            };
            let mut symbols: HashMap<&[u8], Vec<(u64, &PathBuf)>> = HashMap::new();
            for (at, member) in members.iter().enumerate() {
                let of_file = files.symbols(&elf, at);
                for symbol in of_file.filter(|symbol| symbol.kind == STT_FUNC) {
                    let named = symbols.entry(symbol.name).or_default();
                    named.push((symbol.value, member));
                }
            }
            let of_object = functions.iter().zip(&mut places);
            for (function, place) in of_object.filter(|(function, _)| function.object == name) {
                let named = symbols.get(function.name).into_iter().flatten();
                let mut named = named.filter(|(value, _)| *value == function.address);
                if let (Some((_, member)), None) = (named.next(), named.next()) {
                    *place = Some((object.clone(), (*member).clone()));
                }
            }
        }
        Ok(places)
    }

    /// Returns the changed calls of each file, in order.
    ///
    /// # Errors
    ///
    /// A file cannot be read or written, a program of the kernel's build fails, or the source is not that of the
    /// kernel.
    fn of_files(
        &self,
        object: &KbuildObject,
        files: &[PathBuf],
    ) -> Result<Refusable<Vec<ChangedCalls>>> {
        let link = match self.modules.iter().find(|module| module.object == *object) {
            Some(module) => ThinLink::module(self.kernel, module)?,
            None => ThinLink::vmlinux(self.kernel)?,
        };
        let cannot = |e| Error::io(&"cannot make a temporary directory", e);
        let directory = TempDir::with_prefix("klp-gen-").map_err(cannot)?;
        let originals = Originals::new(
            self.kernel,
            self.cache,
            Compiler::default(),
            &self.disassembler,
        );
        let linked = self.linked(object)?;
        let wanted = each(self.jobs, files, |path| {
            let file = Dependant {
                kbuild_path: path.clone(),
                saved: Saved::open(self.kernel.directory(), path)?,
                reason: Reason::Patched,
                part: Part::Bitcode(object.clone()),
            };
            let to = copy_below(&directory.path().join("compiled"), path);
            let bitcode = match originals.get(&file, &to)? {
                Ok(bitcode) => bitcode,
                Err(refusal) => return Ok(Err(refusal)),
            };
            let key = Self::key(&link, linked, path, &bitcode)?;
            Ok(Ok(ComparedFile { file, bitcode, key }))
        })?;
        let (wanted, refusals): (Vec<_>, Vec<_>) =
            wanted.into_iter().partition(std::result::Result::is_ok);
        if !refusals.is_empty() {
            return Ok(Err(refusals
                .into_iter()
                .filter_map(std::result::Result::err)
                .collect()));
        }
        let wanted: Vec<_> = wanted.into_iter().flatten().collect();
        let missing: Vec<_> = wanted
            .iter()
            .filter(|wanted| self.cache.find("calls", wanted.key).is_none())
            .collect();
        if !missing.is_empty() {
            self.compare_files(&link, &missing, directory.path())?;
        }
        let read = wanted.iter().map(|wanted| self.read(wanted.key));
        read.collect::<Result<Vec<_>>>().map(Ok)
    }

    /// Compares files, and writes the entries of the cache.
    fn compare_files(
        &self,
        link: &ThinLink,
        files: &[&ComparedFile],
        directory: &Path,
    ) -> Result<()> {
        let unoptimised = Compiler {
            options: ["-Xclang", "-disable-llvm-passes"]
                .map(str::to_owned)
                .to_vec(),
            ..Compiler::default()
        };
        let mut bitcode = each(self.jobs, files, |wanted| {
            let path = &wanted.file.kbuild_path;
            let to = copy_below(&directory.join("source"), path);
            let saved = &wanted.file.saved;
            if let Err(why) = unoptimised.compile(self.kernel, path, saved, &to)? {
                let path = path.display();
                let what = format!("{path}: does not compile without optimisation: {why}");
                return Err(Error::new(ErrorKind::Refused, what));
            }
            Ok(to)
        })?;
        let mut replaced = Replaced::new();
        for wanted in files {
            // The linker writes bitcode beside its input, which must not be in the build directory.
            let input = copy_below(&directory.join("linked"), &wanted.file.kbuild_path);
            let made = input.parent().map_or(Ok(()), fs::create_dir_all);
            let copied = made.and_then(|()| fs::copy(&wanted.bitcode, &input));
            copied.map_err(|e| Error::io(&format_args!("cannot write {}", input.display()), e))?;
            replaced.insert(wanted.file.kbuild_path.clone(), input);
        }
        let paths: Vec<_> = files
            .iter()
            .map(|file| file.file.kbuild_path.as_path())
            .collect();
        let to = directory.join("objects");
        bitcode.extend(link.optimised(self.kernel, &replaced, &paths, self.jobs, &to)?);
        let texts = self.disassembler.texts(&bitcode)?;
        let (sources, codes) = texts.split_at(files.len());
        for ((wanted, source), code) in files.iter().zip(sources).zip(codes) {
            let changed = changed(&Signatures::parse(source), &Signatures::parse(code));
            self.cache.entry("calls", wanted.key, |directory| {
                let path = directory.join(ENTRY);
                let text = serde_json::to_vec(&changed);
                let text = text.map_err(|e| Error::malformed(&path.display().to_string(), e))?;
                fs::write(&path, text)
                    .map_err(|e| Error::io(&format_args!("cannot write {}", path.display()), e))
            })?;
        }
        Ok(())
    }

    fn read(&self, key: blake3::Hash) -> Result<ChangedCalls> {
        let path = self.cache.entry("calls", key, |_| Ok(()))?.join(ENTRY);
        let text = fs::read(&path)
            .map_err(|e| Error::io(&format_args!("cannot read {}", path.display()), e))?;
        serde_json::from_slice(&text).map_err(|e| Error::malformed(&path.display().to_string(), e))
    }

    /// Returns the hash of the linked object. A file's code depends on all that was linked with it.
    fn linked(&self, object: &KbuildObject) -> Result<blake3::Hash> {
        let path = match object {
            KbuildObject::Vmlinux => self.kernel.vmlinux(),
            KbuildObject::Module(path) => self.kernel.directory().join(path.with_extension("ko")),
        };
        let mut key = CacheKey::new("linked");
        key.add_file(&path)?;
        Ok(key.finish())
    }

    fn key(
        link: &ThinLink,
        linked: blake3::Hash,
        path: &Path,
        bitcode: &Path,
    ) -> Result<blake3::Hash> {
        let mut key = CacheKey::new("calls");
        for option in link.options() {
            key.add(option.as_bytes());
        }
        key.add(linked.as_bytes());
        key.add(path.as_os_str().as_encoded_bytes());
        key.add_file(bitcode)?;
        Ok(key.finish())
    }
}

/// A file that is compared.
struct ComparedFile {
    file: Dependant,
    /// The bitcode of the file in the kernel.
    bitcode: PathBuf,
    key: blake3::Hash,
}

/// Returns the functions with other calls in the code than in the source.
fn changed(source: &Signatures, code: &Signatures) -> ChangedCalls {
    let mut all = ChangedCalls::new();
    for (name, in_code) in &code.defined {
        let Some(in_source) = source.defined.get(name) else {
            continue;
        };
        let unpassed = code.unpassed.get(name);
        let of_source = source.unpassed.get(name);
        let call = if in_source != in_code {
            ChangedCall::Signature {
                source: in_source.to_string(),
                code: in_code.to_string(),
            }
        } else if let Some(unpassed) = unpassed {
            // The source may leave a value undefined as well.
            let numbers = unpassed
                .iter()
                .filter(|at| !of_source.is_some_and(|source| source.contains(at)));
            let arguments: Vec<_> = numbers.map(|at| at + 1).collect();
            if arguments.is_empty() {
                continue;
            }
            ChangedCall::Unread { arguments }
        } else {
            continue;
        };
        all.insert(String::from_utf8_lossy(name).into_owned(), call);
    }
    all
}
