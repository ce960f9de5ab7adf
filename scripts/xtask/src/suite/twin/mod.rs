// SPDX-License-Identifier: GPL-2.0 OR MIT

//! A second answer to the question which functions a source patch changes: kbuild builds the patched kernel, and both
//! kernels are compared whole.
//!
//! Nothing here is shared with `klp-gen build`, which compiles the files that the patch can change and no others.

mod differ;
mod image;
mod lines;
mod names;
mod pieces;

use crate::host::run;
use crate::kernel::build::throwaway::{module_object, ThrowawayBuild};
use crate::kernel::Kernel;
use crate::report::progress::Step;
use crate::suite::corpus::{Answer, Built};
use anyhow::{ensure, Context, Result};
use differ::difference;
use lines::padded;
use pieces::Piece;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use wait4::Wait4;

/// The file that is compared of vmlinux, and the target of `make` for it.
const VMLINUX: &str = "vmlinux.o";
const VMLINUX_TARGET: &str = "vmlinux_o";

/// Has kbuild leave out objtool: `klp-gen build` compares what the compiler made.
const NO_OBJTOOL: &str = "cmd_objtool=";

/// A kernel that kbuild built with some of the patches, and the functions that both ways found.
pub struct Twin {
    /// The patches.
    pub patches: Vec<Patch>,
    /// The functions that differ but are in no livepatch.
    pub missing: BTreeSet<String>,
    /// The variables that both kernels have, with other contents. A livepatch cannot change any.
    pub data: BTreeSet<String>,
    /// The processor time of kbuild.
    pub kbuild: Duration,
}

/// A patch, and the functions that both ways found.
pub struct Patch {
    /// The file that the patch changes.
    pub file: String,
    /// The functions that `klp-gen build` replaces or adds.
    pub ours: BTreeSet<String>,
    /// The functions among these that do not differ.
    pub more: BTreeSet<String>,
    /// The processor time of `klp-gen build`.
    pub time: Duration,
}

impl Twin {
    /// Returns true if both ways found the same.
    pub fn agrees(&self) -> bool {
        let none_more = self.patches.iter().all(|patch| patch.more.is_empty());
        self.missing.is_empty() && none_more && self.data.is_empty()
    }

    fn new(all: &[&Built], kbuild: Duration) -> Self {
        let patch = |one: &&Built| Patch {
            file: one.file.clone(),
            ours: names_of(one),
            more: names_of(one),
            time: one.time,
        };
        Self {
            patches: all.iter().map(patch).collect(),
            missing: BTreeSet::new(),
            data: BTreeSet::new(),
            kbuild,
        }
    }

    fn add(&mut self, found: differ::Difference) {
        for names in found.functions {
            let is_known = |patch: &Patch| names.iter().any(|name| patch.ours.contains(name));
            if !self.patches.iter().any(is_known) {
                self.missing.insert(names.join(" = "));
            }
            for patch in &mut self.patches {
                patch.more.retain(|name| !names.contains(name));
            }
        }
        let data = found.data.into_iter();
        self.data.extend(data.map(|names| names.join(" = ")));
    }
}

/// Builds kernels with some of the patches each, and compares.
///
/// # Errors
///
/// Fails if a kernel cannot be built or read.
pub fn twins(
    kernel: &Kernel,
    all: &[Built],
    together: usize,
    older: &Path,
    logs: &Path,
) -> Result<Vec<Twin>> {
    let scratch = logs.join("scratch");
    let base = ThrowawayBuild::of(kernel, scratch.join("base"))?;
    let mut versions = Vec::new();
    let mut objects = BTreeSet::new();
    for one in all {
        let padded = padded(&kernel.source.join(&one.file), &older.join(&one.file))?;
        base.replace(&one.file, &padded.old)?;
        objects.extend(compared(kernel, one)?);
        versions.push((one, padded));
    }
    run::timed("build the kernel with more lines", || {
        make(&base, &objects, &logs.join("twin-base.log"))
    })?;
    let mut originals = BTreeMap::new();
    for object in objects {
        let pieces = pieces(&base.built(&object)?)?;
        originals.insert(object, pieces);
    }
    let groups: Vec<_> = versions.chunks(together).collect();
    let title = "build kernels with the patches";
    let mut step = Step::begin(title, "kernels", None).of(groups.len());
    let mut found = Vec::new();
    for (number, group) in groups.iter().enumerate() {
        step.update(Some(number), "");
        let copy = base.copy(scratch.join(number.to_string()))?;
        let mut objects = BTreeSet::new();
        for (one, padded) in *group {
            copy.replace(&one.file, &padded.new)?;
            objects.extend(compared(kernel, one)?);
        }
        let kbuild = make(&copy, &objects, &logs.join(format!("twin-{number}.log")))?;
        let patches: Vec<_> = group.iter().map(|(one, _)| *one).collect();
        let mut twin = Twin::new(&patches, kbuild);
        for object in &objects {
            let original = originals.get(object).map_or(&[][..], Vec::as_slice);
            twin.add(difference(original, &pieces(&copy.built(object)?)?));
        }
        if !twin.agrees() {
            let kept = logs.join(format!("differ-{number}"));
            keep(&base, &objects, &kept.join("before"))?;
            keep(&copy, &objects, &kept.join("after"))?;
        }
        copy.remove()?;
        found.push(twin);
    }
    step.end(Some(groups.len()));
    base.remove()?;
    Ok(found)
}

/// Returns the names of the functions of a livepatch, as they are compared.
fn names_of(one: &Built) -> BTreeSet<String> {
    match &one.answer {
        Answer::Built { functions, new, .. } => functions
            .iter()
            .chain(new)
            .map(|name| names::clean(name))
            .collect(),
        Answer::Refused { .. } => BTreeSet::new(),
    }
}

/// Returns the files that are compared: those of the modules that the patch changes, or that of vmlinux.
fn compared(kernel: &Kernel, one: &Built) -> Result<Vec<String>> {
    match &one.answer {
        Answer::Built { modules, .. } if !modules.is_empty() => modules
            .iter()
            .map(|module| module_object(kernel, module))
            .collect(),
        _ => Ok(vec![VMLINUX.to_owned()]),
    }
}

/// Builds the files, and returns the processor time that it took.
fn make(copy: &ThrowawayBuild<'_>, objects: &BTreeSet<String>, log: &Path) -> Result<Duration> {
    let file = File::create(log).with_context(|| format!("cannot create {}", log.display()))?;
    let _lock = copy.lock()?;
    let mut time = Duration::ZERO;
    for object in objects {
        let target = if object == VMLINUX {
            VMLINUX_TARGET
        } else {
            object
        };
        let mut make = copy.make();
        make.args([NO_OBJTOOL, target])
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file.try_clone()?);
        run::announce(&make);
        let mut child = make.spawn().context("cannot run unshare")?;
        let used = child.wait4()?;
        ensure!(
            used.status.success(),
            "make {target} ended with {}; see {}",
            used.status,
            log.display()
        );
        time += used.rusage.utime + used.rusage.stime;
    }
    Ok(time)
}

/// Copies what differs, so that somebody can look at it.
fn keep(copy: &ThrowawayBuild<'_>, objects: &BTreeSet<String>, to: &Path) -> Result<()> {
    fs::create_dir_all(to).with_context(|| format!("cannot create {}", to.display()))?;
    for object in objects {
        let from = copy.built(object)?;
        let name = from.file_name().unwrap_or_default();
        fs::copy(&from, to.join(name))
            .with_context(|| format!("cannot copy {}", from.display()))?;
    }
    Ok(())
}

fn pieces(path: &PathBuf) -> Result<Vec<Piece>> {
    let data = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    pieces::read(&data).with_context(|| format!("{}: cannot be compared", path.display()))
}
