// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Finds static functions of the kernel that the optimiser gave other arguments than they have in the source.
//!
//! LLVM removes arguments and results that nobody uses, and passes a value in place of a pointer to it
//! (`DeadArgumentElimination.cpp`, `ArgumentPromotion.cpp`). Both only happen to functions with local linkage whose
//! callers are all known; some of these are promoted afterwards. Where a function has to keep its arguments, callers in
//! its file pass nothing in place of an argument that it does not read. A livepatch that was compiled from the kernel's declaration calls such a function with the
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
use super::kernel::{is_bitcode, KbuildModule, KernelBuild};
use super::path::copy_below;
use super::proof::Originals;
use super::thin_link::{Replaced, ThinLink};
use super::{BuildRefusal, KbuildObject, Reason};
use crate::bitcode::text::SymbolList;
use crate::bitcode::{FatObjects, LinkInputs, Llvm};
use crate::elf::ElfInput;
use crate::error::{Error, ErrorKind, Result};
use crate::file::read_file;
use klp_policy::Policy;
use memchr::memmem::Finder;
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
    /// True if the livepatch replaces the function.
    pub is_replaced: bool,
}

/// The results for some functions.
#[derive(Debug)]
pub struct Compared {
    /// The results, in the order of the functions.
    pub results: Vec<CallComparison>,
    /// The files that are not those of the kernel's build. Nothing is known of their functions.
    pub refusals: Vec<BuildRefusal>,
}

/// The result of the comparison for a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallComparison {
    /// The callers in the kernel pass what the source says.
    Same,
    /// They pass something else.
    Changed(ChangedCall),
    /// Nothing is compared: ThinLTO did not compile the function, or it is a function for other files that is only called.
    /// LLVM gives such a function no other arguments.
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

    /// Compares what the callers of functions pass with the source.
    ///
    /// # Errors
    ///
    /// A file cannot be read or written, or a program of the kernel's build fails.
    pub fn compare(&self, functions: &[Function<'_>]) -> Result<Compared> {
        let places = self.places(functions)?;
        let mut found = HashMap::new();
        let mut refusals = Vec::new();
        let objects: BTreeSet<_> = places.iter().flatten().map(|(object, _)| object).collect();
        for object in objects {
            let of_object = places.iter().flatten().filter(|(of, _)| of == object);
            let files: BTreeSet<_> = of_object.map(|(_, path)| path.clone()).collect();
            let files: Vec<_> = files.into_iter().collect();
            for (file, changed) in files.iter().zip(self.of_files(object, &files)?) {
                match changed {
                    Ok(changed) => drop(found.insert(file.clone(), changed)),
                    Err(refusal) => refusals.push(refusal),
                }
            }
        }
        let results = functions.iter().zip(&places).map(|(function, places)| {
            let name = String::from_utf8_lossy(function.name);
            let of_files: Option<Vec<_>> = places.iter().map(|(_, path)| found.get(path)).collect();
            let of_files = of_files.unwrap_or_default();
            let mut changed = of_files.iter().filter_map(|of_file| of_file.get(&*name));
            match changed.next() {
                Some(changed) => CallComparison::Changed(changed.clone()),
                None if of_files.is_empty() => CallComparison::NotKnown,
                None => CallComparison::Same,
            }
        });
        Ok(Compared {
            results: results.collect(),
            refusals,
        })
    }

    /// Returns the bitcode files that may define each function.
    fn places(&self, functions: &[Function<'_>]) -> Result<Vec<Vec<(KbuildObject, PathBuf)>>> {
        let mut places = vec![Vec::new(); functions.len()];
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
            let statics = Statics::read(&path, &members)?;
            let of_object = functions.iter().zip(&mut places);
            for (function, places) in of_object.filter(|(function, _)| function.object == name) {
                let files = match statics.file(function) {
                    Some(file) => vec![file.clone()],
                    None => self.definers(&members, function)?,
                };
                places.extend(files.into_iter().map(|file| (object.clone(), file)));
            }
        }
        Ok(places)
    }

    /// Returns the files that define a function which has no place among the statics of a file: a promoted static, or a
    /// function for other files. LLVM changes the arguments of the first before it promotes the function.
    fn definers(&self, members: &[PathBuf], function: &Function<'_>) -> Result<Vec<PathBuf>> {
        let name = in_source(function.name);
        if let [member] = members {
            return Ok(vec![member.clone()]);
        }
        let finder = Finder::new(&name);
        let mut files = Vec::new();
        let mut paths = Vec::new();
        for member in members {
            let path = self.kernel.directory().join(member);
            // A module may have objects of assembler.
            if is_bitcode(&path)? && finder.find(&read_file(&path)?).is_some() {
                files.push(member);
                paths.push(path);
            }
        }
        let inputs = LinkInputs::open(&paths, FatObjects::Code)?;
        let lists = Llvm::Path.tools(inputs.bitcode())?.list(inputs.bitcode())?;
        let defines = |list: &SymbolList| {
            list.symbols.iter().any(|symbol| {
                let is_changed = symbol.is_local() || function.is_replaced;
                symbol.name == name && !symbol.is_undefined() && is_changed
            })
        };
        let files = files.into_iter().zip(&lists);
        let files = files.filter(|(_, list)| defines(list));
        Ok(files.map(|(file, _)| file.clone()).collect())
    }

    /// Returns the changed calls of each file, in order, or the reason for which a file is not that of the kernel.
    ///
    /// # Errors
    ///
    /// A file cannot be read or written, or a program of the kernel's build fails.
    fn of_files(
        &self,
        object: &KbuildObject,
        files: &[PathBuf],
    ) -> Result<Vec<std::result::Result<ChangedCalls, BuildRefusal>>> {
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
        let missing: Vec<_> = wanted
            .iter()
            .flatten()
            .filter(|wanted| self.cache.find("calls", wanted.key).is_none())
            .collect();
        if !missing.is_empty() {
            self.compare_files(&link, &missing, directory.path())?;
        }
        let read = wanted.into_iter().map(|wanted| match wanted {
            Ok(wanted) => self.read(wanted.key).map(Ok),
            Err(refusal) => Ok(Err(refusal)),
        });
        read.collect()
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
        let text = read_file(&path)?;
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

/// The static functions of a linked object, with their files.
struct Statics {
    functions: HashMap<(Vec<u8>, u64), Vec<PathBuf>>,
}

impl Statics {
    fn read(path: &Path, members: &[PathBuf]) -> Result<Self> {
        let input = ElfInput::open(path)?;
        let elf = input.parse()?;
        let mut functions: HashMap<_, Vec<_>> = HashMap::new();
        // Without the order of files, the bitcode tells.
        if let Ok(files) = MemberSymbols::of(&elf, members) {
            for (at, member) in members.iter().enumerate() {
                let of_file = files.symbols(&elf, at);
                for symbol in of_file.filter(|symbol| symbol.kind == STT_FUNC) {
                    let key = (symbol.name.to_vec(), symbol.value);
                    functions.entry(key).or_default().push(member.clone());
                }
            }
        }
        Ok(Self { functions })
    }

    /// Returns the file of a static function, if there is one only.
    fn file(&self, function: &Function<'_>) -> Option<&PathBuf> {
        let key = (function.name.to_vec(), function.address);
        match &self.functions.get(&key)?[..] {
            [file] => Some(file),
            _ => None,
        }
    }
}

/// Returns the name that a function has in the source: `print_cpu` for `print_cpu.specialized.1`, a copy for callers
/// that pass the same constant (`FunctionSpecialization.cpp`), and for `print_cpu.llvm.123`.
fn in_source(name: &[u8]) -> Vec<u8> {
    let mut name: Vec<u8> = Policy::Llvm.clean(name).bytes().collect();
    if let Some(at) = memchr::memmem::find(&name, b".specialized.") {
        name.truncate(at);
    }
    name
}

/// Returns the functions with other calls in the code than in the source.
fn changed(source: &Signatures, code: &Signatures) -> ChangedCalls {
    let mut all = ChangedCalls::new();
    for (name, in_code) in &code.defined {
        let name_in_source = in_source(name);
        let Some(signature) = source.defined.get(&name_in_source) else {
            continue;
        };
        let unpassed = code.unpassed.get(name);
        let of_source = source.unpassed.get(&name_in_source);
        let call = if signature != in_code {
            ChangedCall::Signature {
                source: signature.to_string(),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_for_some_callers_is_compared_with_its_function() {
        let source = Signatures::parse(b"define internal void @f(ptr %0, i32 %1) {\n");
        let text = b"define internal void @f(ptr %0, i32 %1) {\n}\ndefine internal void @f.specialized.1(ptr %0) {\n";
        let changed = changed(&source, &Signatures::parse(text));
        let expected = ChangedCall::Signature {
            source: "void (ptr, i32)".to_owned(),
            code: "void (ptr)".to_owned(),
        };
        assert_eq!(changed, [("f.specialized.1".to_owned(), expected)].into());
    }
}
