// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Makes the objects before and after from the patch.

mod affected;

use super::cache::Cache;
use super::changed::{dependants, Dependant, Part};
use super::compile::Compiler;
use super::declared::{Bitcode, Sources};
use super::disassembler::Disassembler;
use super::ir::Ir;
use super::jobs::each;
use super::kernel::{KbuildModule, KernelBuild};
use super::patches::Patched;
use super::path::copy_below;
use super::progress::Progress;
use super::proof::Originals;
use super::shadow::Shadow;
use super::{
    BuildRefusal, BuildRequest, KbuildObject, Reason, Refusable, RefusalKind, Unit, WorkDirectory,
};
use crate::error::Result;
use crate::file::read_file;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The largest number of objects that are compiled without `--all`.
const MANY: usize = 100;

/// The processor time for a file of the kernel, in seconds: up to two compilations, and its share of the other
/// steps.
const SECONDS_EACH: usize = 3;

/// All files with code that may have changed.
#[derive(Debug)]
pub struct Pairs {
    /// The files, those of vmlinux first and in link order, then the modules.
    pub units: Vec<Unit>,
    /// The sources of the files that the patch changes.
    pub sources: Sources,
    /// The directory for intermediate files. It is removed when this value is dropped, unless it is to be
    /// kept.
    pub directory: WorkDirectory,
}

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
}
