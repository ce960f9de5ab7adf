// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The objects to be compiled again, because they read a file that a patch changes.
//!
//! The `.cmd` file of an object lists all files that the compiler read for it (`scripts/basic/fixdep.c`).

use super::kbuild::Saved;
use super::kernel::{KbuildModule, KernelBuild};
use super::path::normal;
use super::{KbuildObject, Reason};
use crate::error::{Error, Result};
use crate::file::read_file;
use memchr::memmem::Finder;
use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

/// An object that reads a patched file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dependant {
    /// The name that kbuild has for the object: `mm/slab_common.o`.
    pub kbuild_path: PathBuf,
    /// The saved command.
    pub saved: Saved,
    /// The first patched file that the object reads; its own source if that is patched.
    pub reason: Reason,
    /// The part of the kernel that the object belongs to.
    pub part: Part,
}

/// The part of a kernel that an object belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// Bitcode that is linked into vmlinux or a module.
    Bitcode(KbuildObject),
    /// An object that is linked, but is no bitcode: assembler, or C that is compiled without LTO.
    Native(KbuildObject),
    /// A file from which the build makes other files, such as `asm-offsets.s`, or the vDSO.
    Other,
}

/// Finds every object that reads one of the files. `files` has paths below the source tree.
///
/// A new header may hide another one of its name: an object that read the other one may read the new one.
///
/// # Errors
///
/// The build directory cannot be read.
pub fn dependants(
    kernel: &KernelBuild,
    modules: &[KbuildModule],
    files: &[&Path],
) -> Result<Vec<Dependant>> {
    let objects = Objects::new(kernel, modules);
    let names = files.iter().filter_map(|file| file.file_name());
    let finders: Vec<_> = names
        .map(|name| Finder::new(name.as_bytes()).into_owned())
        .collect();
    let new = files
        .iter()
        .filter(|file| !kernel.source().join(file).exists());
    let hiding: Vec<_> = new.map(|&file| (file, name_in_directory(file))).collect();
    let mut commands = Vec::new();
    list(kernel.compiled_in(), Path::new(""), &mut commands)?;
    let is_external = kernel.compiled_in() != kernel.directory();
    let mut dependants = Vec::new();
    for (target, path) in commands {
        let target = if is_external {
            kernel.compiled_in().join(target)
        } else {
            target
        };
        let text = read_file(&path)?;
        if !finders.iter().any(|finder| finder.find(&text).is_some()) {
            continue;
        }
        let part = objects.part(&target);
        let Some(part) = part else { continue };
        let text = String::from_utf8_lossy(&text);
        let saved = Saved::read(kernel.directory(), &path, &text)?;
        let source = saved
            .source
            .as_deref()
            .and_then(|source| below(kernel, source));
        let is_source = |file: &&&Path| source.as_deref() == Some(**file);
        let reason = if files.iter().any(|file| is_source(&file)) {
            Some(Reason::Patched)
        } else {
            let mut read = saved.dependencies.iter().filter_map(|path| {
                let hidden = hiding.iter().find(|(_, name)| path.ends_with(name));
                let path = below(kernel, path)?;
                let is_patched = files.contains(&path.as_path());
                match hidden {
                    Some((new, _)) if !is_patched => Some((*new).to_owned()),
                    _ => Some(path).filter(|_| is_patched),
                }
            });
            read.next().map(Reason::Header)
        };
        if let Some(reason) = reason {
            dependants.push(Dependant {
                kbuild_path: target,
                saved,
                reason,
                part,
            });
        }
    }
    dependants.sort_by_key(|dependant| objects.place(&dependant.kbuild_path));
    Ok(dependants)
}

/// The objects of a kernel that are linked, by their names.
struct Objects<'k> {
    parts: HashMap<&'k Path, (usize, Part)>,
}

impl<'k> Objects<'k> {
    fn new(kernel: &'k KernelBuild, modules: &'k [KbuildModule]) -> Self {
        let mut parts = HashMap::new();
        for member in kernel.members() {
            let part = if member.is_bitcode {
                Part::Bitcode(KbuildObject::Vmlinux)
            } else {
                Part::Native(KbuildObject::Vmlinux)
            };
            let place = parts.len();
            parts.insert(member.path.as_path(), (place, part));
        }
        for module in modules {
            for member in &module.members {
                let place = parts.len();
                parts.insert(
                    member.as_path(),
                    (place, Part::Bitcode(module.object.clone())),
                );
            }
        }
        Self { parts }
    }

    /// Returns the part of a target; nothing if the kernel does not run its code, such as tools and boot
    /// code.
    fn part(&self, target: &Path) -> Option<Part> {
        if let Some((_, part)) = self.parts.get(target) {
            return Some(part.clone());
        }
        let has = |name: &str| target.iter().any(|part| part == name);
        let is_made_into_header = target.extension() == Some(OsStr::new("s"));
        let is_user = has("vdso") && target.extension() == Some(OsStr::new("o"));
        (!has("tools") && !has("scripts") && (is_made_into_header || is_user))
            .then_some(Part::Other)
    }

    fn place(&self, target: &Path) -> (usize, PathBuf) {
        let place = self
            .parts
            .get(target)
            .map_or(usize::MAX, |(place, _)| *place);
        (place, target.to_owned())
    }
}

/// Returns the path of a file in a command, relative to the source tree or to the build directory.
#[must_use]
pub fn below(kernel: &KernelBuild, path: &Path) -> Option<PathBuf> {
    let path = normal(&kernel.directory().join(path));
    let trees = kernel
        .source_names()
        .iter()
        .map(PathBuf::as_path)
        .chain([kernel.directory()]);
    let mut rests = trees.filter_map(|tree| path.strip_prefix(tree).ok());
    rests.next().map(Path::to_owned)
}

/// Returns the last two components of a path: `asm/bug.h`. Most headers are included by such a name.
fn name_in_directory(path: &Path) -> PathBuf {
    let directory = path.parent().and_then(Path::file_name);
    let name = path.file_name().unwrap_or_default();
    directory.map_or_else(
        || PathBuf::from(name),
        |directory| Path::new(directory).join(name),
    )
}

/// Lists the `.cmd` files below a directory, with the names of their targets.
fn list(top: &Path, below: &Path, commands: &mut Vec<(PathBuf, PathBuf)>) -> Result<()> {
    let directory = top.join(below);
    let entries = fs::read_dir(&directory).map_err(|e| cannot_read(&directory, e))?;
    for entry in entries {
        let entry = entry.map_err(|e| cannot_read(&directory, e))?;
        let kind = entry
            .file_type()
            .map_err(|e| cannot_read(&entry.path(), e))?;
        let name = entry.file_name();
        if kind.is_dir() {
            list(top, &below.join(&name), commands)?;
            continue;
        }
        let target = name
            .as_bytes()
            .strip_prefix(b".")
            .and_then(|name| name.strip_suffix(b".cmd"));
        if let Some(target) = target {
            commands.push((below.join(OsStr::from_bytes(target)), entry.path()));
        }
    }
    Ok(())
}

fn cannot_read(path: &Path, error: std::io::Error) -> Error {
    Error::io(&format_args!("cannot read {}", path.display()), error)
}
