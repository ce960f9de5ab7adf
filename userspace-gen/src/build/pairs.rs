// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Makes the objects before and after from the patch.

use super::backends::{Backend, Backends, Wanted};
use super::cache::{Cache, CacheKey};
use super::changed::{below, dependants, Dependant, Part};
use super::compile::Compiler;
use super::declared::{Bitcode, Sources};
use super::disassembler::Disassembler;
use super::index::Difference;
use super::ir::Ir;
use super::jobs::{each, output};
use super::kbuild::Invocation;
use super::kernel::{KbuildModule, KernelBuild};
use super::patches::Patched;
use super::path::copy_below;
use super::progress::Progress;
use super::proof::Originals;
use super::shadow::Shadow;
use super::thin_link::{Replaced, ThinLink};
use super::{
    BuildRefusal, BuildRequest, KbuildObject, Pairs, Reason, Refusable, RefusalKind, Unit,
    WorkDirectory,
};
use crate::error::Result;
use crate::file::read_file;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};

/// The largest number of objects that are compiled without `--all`.
const MANY: usize = 100;

/// The processor time for a file of the kernel, in seconds: up to two compilations, and its share of the other
/// steps.
const SECONDS_EACH: usize = 3;

/// A file that was compiled before and after.
struct Compiled<'d> {
    dependant: &'d Dependant,
    object: KbuildObject,
    original: PathBuf,
    patched: PathBuf,
    ir: (Ir, Ir),
}

/// Finds every file with code that a patch may change, and compiles each before and after.
///
/// # Errors
///
/// A file cannot be read or written, or a program of the kernel's build fails.
pub fn pairs(
    request: &BuildRequest,
    kernel: &KernelBuild,
    progress: &dyn Progress,
) -> Result<Refusable<Pairs>> {
    let front = Front {
        request,
        kernel,
        progress,
        modules: kernel.modules()?,
        directory: request.work_directory()?,
        cache: Cache::open(&request.cache)?,
        disassembler: kernel.disassembler()?,
    };
    let (units, sources) = match front.units()? {
        Ok(found) => found,
        Err(refusals) => return Ok(Err(refusals)),
    };
    Ok(Ok(Pairs {
        units,
        sources,
        directory: front.directory,
    }))
}

struct Front<'f> {
    request: &'f BuildRequest,
    kernel: &'f KernelBuild,
    progress: &'f dyn Progress,
    modules: Vec<KbuildModule>,
    directory: WorkDirectory,
    cache: Cache,
    disassembler: Disassembler,
}

impl Front<'_> {
    fn units(&self) -> Result<Refusable<(Vec<Unit>, Sources)>> {
        self.progress.step("patch", self.request.patches.len());
        let patched = match Patched::apply(&self.request.patches, self.kernel.source())? {
            Ok(patched) => patched,
            Err(refusals) => return Ok(Err(refusals)),
        };
        for path in &patched.ignored {
            self.progress.warn(&format!(
                "{}: not compiled into the kernel; this part of the patch is ignored",
                path.display()
            ));
        }
        let files: Vec<_> = patched.paths().collect();
        if files.is_empty() {
            let given = self
                .request
                .patches
                .iter()
                .map(|path| path.display().to_string());
            return Ok(Err(vec![BuildRefusal {
                kind: RefusalKind::NoChange,
                subject: given.collect::<Vec<_>>().join(", "),
                reason: "changes no file that is compiled into the kernel".to_owned(),
            }]));
        }
        let dependants = dependants(self.kernel, &self.modules, &files)?;
        if let Some(refusals) = self.refuse(&files, &dependants) {
            return Ok(Err(refusals));
        }
        let shadow = Shadow::write(&patched, self.kernel.source_names(), self.directory.path())?;
        let before = Compiler {
            launcher: self.request.launcher.clone(),
            options: Vec::new(),
        };
        let after = Compiler {
            options: shadow.options(),
            ..before.clone()
        };
        let compiled = match self.compile(&dependants, &before, &after)? {
            Ok(compiled) => compiled,
            Err(refusals) => return Ok(Err(refusals)),
        };
        if compiled.is_empty() {
            let names: Vec<_> = files
                .iter()
                .map(|file| file.display().to_string())
                .collect();
            return Ok(Err(vec![BuildRefusal {
                kind: RefusalKind::NoChange,
                subject: names.join(", "),
                reason: "the patch changes no code of this kernel: this configuration does not compile what the patch \
                changes, or both versions compile to the same code"
                    .to_owned(),
            }]));
        }
        let mut by_object: BTreeMap<&KbuildObject, Vec<&Compiled<'_>>> = BTreeMap::new();
        for file in &compiled {
            by_object.entry(&file.object).or_default().push(file);
        }
        let mut units = Vec::new();
        for (object, files) in by_object {
            units.extend(self.link(object, &files)?);
        }
        let bitcode = compiled.iter().map(|file| {
            let bitcode = Bitcode {
                original: file.original.clone(),
                patched: file.patched.clone(),
            };
            (file.dependant.kbuild_path.clone(), bitcode)
        });
        let sources = Sources {
            bitcode: bitcode.collect(),
            patched,
            before,
            after,
            disassembler: self.disassembler.clone(),
        };
        Ok(Ok((units, sources)))
    }

    /// Refuses patches that can be refused before anything is compiled.
    fn refuse(&self, files: &[&Path], dependants: &[Dependant]) -> Option<Vec<BuildRefusal>> {
        let mut refusals = Vec::new();
        for dependant in dependants {
            let is_patched = dependant.reason == Reason::Patched;
            let why = match &dependant.part {
                Part::Native(_) if is_patched => {
                    "is compiled without LTO (as code that runs early, or without the rest of the kernel), and takes no \
                    part in the thin link: change its callers"
                }
                Part::Other if is_patched => {
                    "is not code of the kernel, but a source of generated files or of the vDSO: a livepatch cannot change it"
                }
                _ => continue,
            };
            let subject = dependant.kbuild_path.display().to_string();
            refusals.push(BuildRefusal {
                kind: RefusalKind::NotThinLto,
                subject,
                reason: why.to_owned(),
            });
        }
        let bitcode = dependants
            .iter()
            .filter(|dependant| matches!(dependant.part, Part::Bitcode(_)));
        let count = bitcode.count();
        if count > MANY && !self.request.all {
            let names: Vec<_> = files
                .iter()
                .map(|file| file.display().to_string())
                .collect();
            let minutes = (count * SECONDS_EACH).div_ceil(60);
            refusals.push(BuildRefusal {
                kind: RefusalKind::ManyFiles,
                subject: names.join(", "),
                reason: format!(
                    "{count} files of this kernel include it, and need about {minutes} minutes of processor time (give --all \
                    to compile them, and --jobs or --launcher for more processors)"
                ),
            });
        }
        (!refusals.is_empty()).then_some(refusals)
    }

    /// Compiles every dependant without and with the patch, and returns those that differ.
    fn compile<'d>(
        &self,
        dependants: &'d [Dependant],
        before: &Compiler,
        after: &Compiler,
    ) -> Result<Refusable<Vec<Compiled<'d>>>> {
        self.progress.step("compile", dependants.len());
        let originals =
            Originals::new(self.kernel, &self.cache, before.clone(), &self.disassembler);
        let results = each(self.request.jobs, dependants, |dependant| {
            let result = self.compile_one(dependant, &originals, after);
            self.progress
                .advance(&dependant.kbuild_path.display().to_string());
            result
        })?;
        let mut differing = Vec::new();
        let mut refusals = Vec::new();
        for result in results {
            match result {
                Ok(Some(file)) => differing.push(file),
                Ok(None) => (),
                Err(refusal) => refusals.push(refusal),
            }
        }
        Ok(if refusals.is_empty() {
            Ok(differing)
        } else {
            Err(refusals)
        })
    }

    fn compile_one<'d>(
        &self,
        dependant: &'d Dependant,
        originals: &Originals<'_>,
        after: &Compiler,
    ) -> Result<std::result::Result<Option<Compiled<'d>>, BuildRefusal>> {
        let path = &dependant.kbuild_path;
        let refuse = |kind, reason: String| BuildRefusal {
            kind,
            subject: path.display().to_string(),
            reason,
        };
        let to = |name: &str| copy_below(&self.directory.path().join(name), path);
        let patched = to("after");
        if let Err(why) = after.compile(self.kernel, path, &dependant.saved, &patched)? {
            return Ok(Err(refuse(
                RefusalKind::DoesNotCompile,
                format!("does not compile with the patch: {why}"),
            )));
        }
        let Part::Bitcode(object) = &dependant.part else {
            let original = match originals.get(dependant, &to("before"))? {
                Ok(original) => original,
                Err(refusal) => return Ok(Err(refusal)),
            };
            return Ok(if read_file(&original)? == read_file(&patched)? {
                Ok(None)
            } else {
                Err(refuse(
                    RefusalKind::NotThinLto,
                    "changes with the patch, but was not compiled from C with ThinLTO (assembler, a table of offsets, the \
                    vDSO): a livepatch cannot change it"
                        .to_owned(),
                ))
            });
        };
        // What runs is compared first: many files include a header, and few of them change with it. Those that do not
        // change need no proof, as nothing is taken from them.
        let known = match originals.in_tree(dependant)? {
            Some(in_tree) => match self.disassembler.differing(&in_tree, &patched)? {
                Some(ir) => Some(ir),
                None => return Ok(Ok(None)),
            },
            None => None,
        };
        let original = match originals.get(dependant, &to("before"))? {
            Ok(original) => original,
            Err(refusal) => return Ok(Err(refusal)),
        };
        // The original is what is in the tree, if that is known: that was the proof.
        let changes = match known {
            Some(ir) => Some(ir),
            None => self.disassembler.differing(&original, &patched)?,
        };
        let Some(ir) = changes else {
            return Ok(Ok(None));
        };
        Ok(Ok(Some(Compiled {
            dependant,
            object: object.clone(),
            original,
            patched,
            ir,
        })))
    }

    /// Finds the files of one object that change because of the changed files, and compiles them before and
    /// after.
    fn link(&self, object: &KbuildObject, files: &[&Compiled<'_>]) -> Result<Vec<Unit>> {
        let link = match self.modules.iter().find(|module| module.object == *object) {
            Some(module) => ThinLink::module(self.kernel, module)?,
            None => ThinLink::vmlinux(self.kernel)?,
        };
        let name = |file: &Compiled<'_>| file.dependant.kbuild_path.clone();
        let after = files.iter().map(|file| (name(file), file.patched.clone()));
        let after: Replaced = after.collect();
        let is_kept = |path: &Path| super::kernel::is_bitcode(&self.kernel.directory().join(path));
        let mut before = Replaced::new();
        for file in files {
            if !is_kept(&file.dependant.kbuild_path)? {
                before.insert(name(file), file.original.clone());
            }
        }
        self.progress.step("thin link", 2);
        let old = self.original_index(&link, &before)?;
        self.progress.advance("before");
        let new = self.directory.path().join("index").join(object.name());
        link.index(self.kernel, &after, &new)?;
        self.progress.advance("after");
        let affected = self.affected(&link, files, (&before, &old), (&after, &new))?;

        let mut wanted = Vec::new();
        for (path, _) in &affected {
            let known = files
                .iter()
                .find(|file| file.dependant.kbuild_path == *path);
            let saved = match known {
                Some(file) => file.dependant.saved.clone(),
                None => super::kbuild::Saved::open(self.kernel.directory(), path)?,
            };
            wanted.push((path.as_path(), saved));
        }
        let wanted: Vec<_> = wanted
            .iter()
            .map(|(kbuild_path, saved)| Wanted { kbuild_path, saved })
            .collect();
        let Some(first) = files.first() else {
            return Ok(Vec::new());
        };
        let compiler = Compiler {
            launcher: self.request.launcher.clone(),
            options: Vec::new(),
        };
        let backends = Backends {
            kernel: self.kernel,
            link: &link,
            compiler: &compiler,
            jobs: self.request.jobs,
            backend: Backend::of(self.kernel, &link, &first.dependant.saved)?,
        };
        self.progress.step("backends", 2 * wanted.len());
        let to = |name: &str| self.directory.path().join(name).join(object.name());
        let originals = backends.cached(
            &self.cache,
            &wanted,
            &before,
            &old,
            &to("original"),
            self.progress,
        )?;
        let patched = backends.compile(&wanted, &after, &new, &to("patched"), self.progress)?;
        let units = affected.iter().zip(originals).zip(patched).zip(&wanted);
        let units = units.map(|((((path, reason), original), patched), wanted)| {
            let source = wanted.saved.source.as_deref().unwrap_or(path);
            Unit {
                object: object.clone(),
                kbuild_path: path.clone(),
                source: below(self.kernel, source).unwrap_or_else(|| source.to_owned()),
                original,
                patched,
                reason: reason.clone(),
            }
        });
        Ok(units.collect())
    }

    /// Returns the directory with the indexes of the original link.
    fn original_index(&self, link: &ThinLink, before: &Replaced) -> Result<PathBuf> {
        if !before.is_empty() {
            let to = self
                .directory
                .path()
                .join("index-before")
                .join(link.object.name());
            link.index(self.kernel, before, &to)?;
            return Ok(to);
        }
        let mut key = CacheKey::new("index");
        for option in link.options() {
            key.add(option.as_bytes());
        }
        let version = Invocation {
            words: vec![link.linker().to_owned(), "--version".to_owned()],
        };
        key.add(&output(&version, self.kernel.directory())?.stdout);
        for input in link.inputs() {
            key.add(input.kbuild_path.as_os_str().as_encoded_bytes());
            // The symbols of native objects take part in the link.
            key.add_file(&self.kernel.directory().join(&input.kbuild_path))?;
        }
        self.cache.entry("index", key.finish(), |to| {
            link.index(self.kernel, before, to)
        })
    }

    /// Returns the files with code that may differ, in link order, each with the reason.
    fn affected(
        &self,
        link: &ThinLink,
        files: &[&Compiled<'_>],
        (before, old): (&Replaced, &Path),
        (after, new): (&Replaced, &Path),
    ) -> Result<Vec<(PathBuf, Reason)>> {
        let names: HashMap<String, String> = files
            .iter()
            .flat_map(|file| {
                let path = &file.dependant.kbuild_path;
                let plain = ThinLink::path_of(path, &Replaced::new());
                [before, after].map(|replaced| (ThinLink::path_of(path, replaced), plain.clone()))
            })
            .collect();
        let changed: HashMap<String, HashSet<u64>> = files
            .iter()
            .map(|file| {
                let (old, new) = &file.ir;
                (
                    ThinLink::path_of(&file.dependant.kbuild_path, &Replaced::new()),
                    old.changed(new),
                )
            })
            .collect();
        let mut affected = Vec::new();
        let mut flagged = Vec::new();
        for path in link.bitcode() {
            if let Some(file) = files.iter().find(|file| file.dependant.kbuild_path == path) {
                affected.push((path.to_owned(), Some(file.dependant.reason.clone())));
                continue;
            }
            let [old, new] = [
                ThinLink::index_of(path, before, old),
                ThinLink::index_of(path, after, new),
            ];
            if read_file(&old)? != read_file(&new)? {
                flagged.push((affected.len(), old, new));
                affected.push((path.to_owned(), None));
            }
        }
        self.progress.step("compare indexes", flagged.len());
        let texts: Vec<_> = flagged
            .iter()
            .flat_map(|(_, old, new)| [old, new])
            .collect();
        let rename = |path: &str| names.get(path).cloned().unwrap_or_else(|| path.to_owned());
        let indexes = self
            .disassembler
            .indexes(self.request.jobs, &texts, &rename)?;
        for ((at, ..), indexes) in flagged.iter().zip(indexes.chunks(2)) {
            let [old, new] = indexes else { continue };
            let own = ThinLink::path_of(&affected[*at].0, &Replaced::new());
            let difference = old.difference(new, &own, &changed);
            affected[*at].1 = difference.map(|difference| reason(&difference, files));
            self.progress.advance(&own);
        }
        Ok(affected
            .into_iter()
            .filter_map(|(path, reason)| Some((path, reason?)))
            .collect())
    }
}

/// Returns the reason that a difference of an index stands for.
fn reason(difference: &Difference, files: &[&Compiled<'_>]) -> Reason {
    let name = |guid: u64| {
        let mut irs = files.iter().flat_map(|file| [&file.ir.1, &file.ir.0]);
        let name = irs.find_map(|ir| ir.name(guid));
        name.map(crate::printable::shown)
    };
    match difference {
        Difference::Import { guid, file } => Reason::Imports {
            name: name(*guid).unwrap_or_else(|| guid.to_string()),
            from: PathBuf::from(file.trim_start_matches("./")),
        },
        Difference::Decision { guid } => Reason::Linkage {
            name: guid.and_then(name),
        },
    }
}
