// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Makes a livepatch from the objects before and after.

use super::code::{probe, Layouts};
use super::compare::{compare, Changes, Files, Pairings, Versions};
use super::extract::{extract, Addition, Extraction, Inputs, Replacement};
use super::identity::content::Proof;
use super::identity::{Image, Located};
use super::kbuild::Saved;
use super::link::{link, source, Parts};
use super::{
    BuildRefusal, KbuildObject, KernelBuild, Pairs, Progress, Refusable, RefusalKind, Unit,
};
use crate::elf::{ElfFile, ElfInput};
use crate::error::{Error, Result};
use crate::file::{read_file, write_file};
use crate::target::{Symvers, Target, TargetFiles};
use klp_policy::{ObjName, Policy};
use object::read::ReadCache;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs::{self, File};
use std::path::{Path, PathBuf};

/// The livepatch that is wanted.
#[derive(Clone, Debug)]
pub struct Wish {
    /// The name of the livepatch.
    pub name: String,
    /// The module to write; none to stop after the comparison.
    pub output: Option<PathBuf>,
    /// The rule of the kernel that will load it.
    pub policy: Policy,
    /// True if the livepatch replaces all others.
    pub replace: bool,
    /// A C file with callbacks.
    pub callbacks: Option<PathBuf>,
    /// The path of klp-gen itself.
    pub klp_gen: PathBuf,
}

/// The functions and data that a livepatch changes.
#[derive(Clone, Debug, Default)]
pub struct Livepatch {
    /// The functions that it replaces.
    pub functions: Vec<Replacement>,
    /// The functions and variables that it adds.
    pub additions: Vec<Addition>,
}

/// Compares the objects, and makes a livepatch of the functions that differ.
///
/// # Errors
///
/// A file cannot be read or written, or is malformed.
pub fn finish(
    pairs: &Pairs,
    kernel: &KernelBuild,
    wish: &Wish,
    progress: &dyn Progress,
) -> Result<Refusable<Livepatch>> {
    let units = &pairs.units;
    let Some(first) = units.first() else {
        return Ok(Err(vec![nothing(units)]));
    };
    let layouts = ask(kernel, first, pairs.directory.path())?;
    progress.step("compare", units.len());
    let files = units.iter().map(Files::read).collect::<Result<Vec<_>>>()?;
    let versions = units.iter().zip(&files);
    let versions = versions.map(|(unit, files)| Versions::parse(unit, files, &layouts));
    let versions = versions.collect::<Result<Vec<_>>>()?;
    let objects = Objects::open(kernel, units)?;
    let target = objects.target()?;
    let elves = objects.parse()?;
    let images = match objects.images(&elves, &target) {
        Ok(images) => images,
        Err(refusal) => return Ok(Err(vec![refusal])),
    };
    let located = match prove(units, &versions, &images, progress)? {
        Ok(located) => located,
        Err(refusals) => return Ok(Err(refusals)),
    };
    let places = |unit: usize, wanted: &HashSet<Vec<u8>>| {
        let directory = pairs.directory.path();
        pairs
            .sources
            .places(kernel, &units[unit], wanted, directory)
    };
    let pairings = Pairings::new(&versions, &layouts, &places)?;
    let changes = compare(units, &versions, &pairings);
    let other_bits = other_bits(pairs, kernel, &pairings, &changes)?;
    let inputs = Inputs {
        units,
        versions: &versions,
        pairings: &pairings,
        layouts: &layouts,
        target: &target,
        images: &images,
        located: &located,
    };
    let extraction = extract(&inputs, &changes);
    let Extraction {
        body,
        functions,
        additions,
        refusals,
        warnings,
    } = extraction;
    for warning in warnings {
        progress.warn(&warning);
    }
    let refusals: Vec<_> = changes
        .refusals
        .iter()
        .cloned()
        .chain(other_bits)
        .chain(refusals)
        .collect();
    if !refusals.is_empty() {
        return Ok(Err(refusals));
    }
    let (Some(first), false) = (versions.first(), functions.is_empty()) else {
        return Ok(Err(vec![nothing(units)]));
    };
    if let Some(output) = &wish.output {
        progress.step("link", 1);
        let bytes = body.write(first.patched.elf())?;
        let made = make(pairs, kernel, wish, &functions, &bytes, &objects)?;
        match made {
            Ok(module) => write_file(output, &read_file(&module)?)?,
            Err(refusal) => return Ok(Err(vec![refusal])),
        }
    }
    Ok(Ok(Livepatch {
        functions,
        additions,
    }))
}

fn nothing(units: &[Unit]) -> BuildRefusal {
    let files: Vec<_> = units
        .iter()
        .map(|u| u.source.display().to_string())
        .collect();
    BuildRefusal {
        kind: RefusalKind::NoChange,
        subject: files.join(", "),
        reason:
            "no function differs from the running kernel: this configuration does not compile what the \
            patch changes, or both versions compile to the same code"
                .to_owned(),
    }
}

/// Refuses functions that would read other values from a variable of one bit than the kernel has stored.
fn other_bits(
    pairs: &Pairs,
    kernel: &KernelBuild,
    pairings: &Pairings<'_, '_>,
    changes: &Changes,
) -> Result<Vec<BuildRefusal>> {
    let mut refusals = Vec::new();
    for (number, unit) in pairs.units.iter().enumerate() {
        let functions = changes.functions.iter().filter(|f| f.unit == number);
        let used = functions.flat_map(|f| pairings.variables_of(number, f.patched));
        let used: BTreeSet<_> = used.collect();
        let used: Vec<_> = used.into_iter().collect();
        let directory = pairs.directory.path();
        for name in pairs.sources.other_bits(kernel, unit, &used, directory)? {
            refusals.push(BuildRefusal {
                kind: RefusalKind::Variable,
                subject: crate::printable::shown(&name),
                reason: format!(
                    "{}: LLVM keeps the variable as one bit, since it has two values only, and with the patch it has other \
                    ones: what the kernel has stored would be read as another value (use a new variable)",
                    unit.source.display()
                ),
            });
        }
    }
    Ok(refusals)
}

/// Reads the layouts of tables from the kernel's headers.
fn ask(kernel: &KernelBuild, unit: &Unit, directory: &Path) -> Result<Layouts> {
    let saved = Saved::open(kernel.directory(), &unit.kbuild_path)?;
    let compile = saved.compile().ok_or_else(|| {
        let what = "expected a saved compile command beside the object, found none";
        Error::malformed(&unit.kbuild_path.display().to_string(), what)
    })?;
    probe::layouts(compile, kernel.directory(), directory)
}

/// Links the livepatch in a directory of its own.
fn make(
    pairs: &Pairs,
    kernel: &KernelBuild,
    wish: &Wish,
    functions: &[Replacement],
    body: &[u8],
    objects: &Objects,
) -> Result<std::result::Result<PathBuf, BuildRefusal>> {
    let directory = pairs.directory.path().join("livepatch");
    let cannot = |e| Error::io(&format_args!("cannot make {}", directory.display()), e);
    fs::create_dir(&directory).map_err(cannot)?;
    let callbacks = wish.callbacks.as_deref().map(read_file).transpose()?;
    let callbacks = callbacks.map(|text| String::from_utf8_lossy(&text).into_owned());
    let source = source::source(functions, wish.replace, callbacks.as_deref());
    let parts = Parts {
        name: &wish.name,
        body,
        source: &source,
        like: &pairs.units[0].kbuild_path,
        modules: objects.modules.values().cloned().collect(),
        flags: &format!("--policy {}", wish.policy),
        klp_gen: &wish.klp_gen,
    };
    link(kernel, &directory, &parts)
}

type Elf<'o> = ElfFile<'o, &'o ReadCache<File>>;

/// The files of the objects that are changed, and of the kernel itself.
struct Objects {
    files: TargetFiles,
    /// The file with relocations and the linked file, by object.
    inputs: BTreeMap<KbuildObject, (ElfInput, ElfInput)>,
    /// The bitcode files from which each object was linked, in link order.
    members: BTreeMap<KbuildObject, Vec<PathBuf>>,
    modules: BTreeMap<KbuildObject, PathBuf>,
    symvers: PathBuf,
}

impl Objects {
    fn open(kernel: &KernelBuild, units: &[Unit]) -> Result<Self> {
        let wanted: BTreeSet<_> = units.iter().map(|unit| &unit.object).collect();
        let built = kernel.modules()?;
        let built = built
            .into_iter()
            .filter(|module| wanted.contains(&module.object));
        let mut inputs = BTreeMap::new();
        let mut members = BTreeMap::new();
        let mut modules = BTreeMap::new();
        let image = (
            ElfInput::open(&kernel.vmlinux_o())?,
            ElfInput::open(&kernel.vmlinux())?,
        );
        inputs.insert(KbuildObject::Vmlinux, image);
        let of_image = kernel.members().iter().filter(|member| member.is_bitcode);
        members.insert(
            KbuildObject::Vmlinux,
            of_image.map(|member| member.path.clone()).collect(),
        );
        for module in built {
            let path = kernel.directory().join(&module.ko);
            inputs.insert(
                module.object.clone(),
                (ElfInput::open(&path)?, ElfInput::open(&path)?),
            );
            members.insert(module.object.clone(), module.members);
            modules.insert(module.object, path);
        }
        let paths: Vec<_> = modules.values().cloned().collect();
        Ok(Self {
            files: TargetFiles::open(Some(&kernel.vmlinux()), &paths, None)?,
            inputs,
            members,
            modules,
            symvers: kernel.symvers(),
        })
    }

    fn target(&self) -> Result<Target<'_>> {
        let symvers = Symvers::open(std::slice::from_ref(&self.symvers))?;
        Ok(Target::load(&self.files)?.with_symvers(symvers))
    }

    fn parse(&self) -> Result<BTreeMap<KbuildObject, (Elf<'_>, Elf<'_>)>> {
        let mut parsed = BTreeMap::new();
        for (object, (relocatable, linked)) in &self.inputs {
            parsed.insert(object.clone(), (relocatable.parse()?, linked.parse()?));
        }
        Ok(parsed)
    }

    fn images<'i, 'd>(
        &self,
        elves: &'i BTreeMap<KbuildObject, (Elf<'d>, Elf<'d>)>,
        target: &'i Target<'d>,
    ) -> std::result::Result<BTreeMap<KbuildObject, Image<'i, 'd, &'d ReadCache<File>>>, BuildRefusal>
    {
        let mut images = BTreeMap::new();
        for (object, (relocatable, linked)) in elves {
            let name = object.name();
            let name = match object {
                KbuildObject::Vmlinux => Some(ObjName::VMLINUX),
                KbuildObject::Module(_) => ObjName::new(name.as_bytes()),
            };
            let Some(found) = name.and_then(|name| target.object(name)) else {
                continue;
            };
            let members = self.members.get(object).map_or(&[][..], |members| members);
            images.insert(
                object.clone(),
                Image::new(relocatable, linked, found, members)?,
            );
        }
        Ok(images)
    }
}

/// Finds the symbols of each file in the kernel, and proves that the file is the same as in the kernel.
fn prove<'d>(
    units: &[Unit],
    versions: &[Versions<'_>],
    images: &BTreeMap<KbuildObject, Image<'_, 'd, &'d ReadCache<File>>>,
    progress: &dyn Progress,
) -> Result<Refusable<Vec<Located>>> {
    let mut all = Vec::new();
    let mut refusals = Vec::new();
    for (unit, version) in units.iter().zip(versions) {
        let Some(image) = images.get(&unit.object) else {
            let what = "the object into which the file is linked is not in the build directory";
            return Ok(Err(vec![BuildRefusal {
                kind: RefusalKind::OtherBuild,
                subject: unit.kbuild_path.display().to_string(),
                reason: what.to_owned(),
            }]));
        };
        match image.locate(Path::new(&unit.kbuild_path), &version.original) {
            Ok(located) => all.push(located),
            Err(refusal) => refusals.push(refusal),
        }
    }
    if !refusals.is_empty() {
        return Ok(Err(refusals));
    }
    for (object, image) in images {
        let of_object = units
            .iter()
            .zip(&all)
            .filter(|(unit, _)| unit.object == *object);
        let located: Vec<_> = of_object.map(|(_, located)| located).collect();
        if located.is_empty() {
            continue;
        }
        let proof = Proof::new(image, &located)?;
        for ((unit, version), located) in units.iter().zip(versions).zip(&all) {
            if unit.object == *object {
                progress.advance(&unit.kbuild_path.display().to_string());
                if let Err(differences) = proof.check(&unit.kbuild_path, &version.original, located)
                {
                    refusals.extend(differences);
                }
            }
        }
    }
    Ok(if refusals.is_empty() {
        Ok(all)
    } else {
        Err(refusals)
    })
}
