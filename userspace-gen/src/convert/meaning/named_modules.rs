// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The modules that a livepatch names, and their files in a kernel's build.

use super::annotation::{self, Annotation};
use super::nearest;
use super::problem::Problem;
use crate::elf::{ElfFile, Place};
use crate::error::Result;
use crate::livepatch::{patches, rela_sections, Memory};
use crate::printable::shown;
use crate::release;
use crate::target::{impossible, ModuleLists};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The files of the modules that livepatches name, and the problems with the other names.
#[derive(Clone, Debug, Default)]
pub struct NamedModules {
    /// The files, in the order of the modules' names.
    pub files: Vec<PathBuf>,
    /// Names that no module can have, and names of modules that are part of vmlinux. The kernel would wait
    /// for such a module for ever.
    pub problems: Vec<Problem>,
    /// Names of modules that no build has.
    pub unknown: Vec<Problem>,
}

/// Collects the names of modules in the `klp_object`s and the references of a livepatch, each with the text
/// that has the name.
///
/// # Errors
///
/// The file is malformed.
pub fn names(elf: &ElfFile<'_>) -> Result<BTreeMap<Vec<u8>, String>> {
    let mut names = BTreeMap::new();
    for symbol in elf.symbols().filter(|s| s.place == Place::Undefined) {
        if !symbol.name.starts_with(annotation::PREFIX) {
            continue;
        }
        // `symvers` reports a reference of another form.
        let Ok(Annotation { objname, .. }) = Annotation::parse(symbol.name) else {
            continue;
        };
        if !objname.is_vmlinux() {
            names.insert(objname.as_bytes().to_vec(), shown(symbol.name));
        }
    }
    let rela = rela_sections(elf)?;
    let patches = patches(&Memory::new(elf, &rela, release::DEFAULT));
    for name in patches
        .iter()
        .flat_map(|p| &p.objects)
        .filter_map(|o| o.name)
    {
        names.insert(name.to_vec(), format!("klp_object {}", shown(name)));
    }
    Ok(names)
}

impl NamedModules {
    /// Looks for modules in a build.
    #[must_use]
    pub fn find(names: &BTreeMap<Vec<u8>, String>, built: &ModuleLists) -> Self {
        let mut found = Self::default();
        for (name, subject) in names {
            let problem = |why: String| Problem::of_module(subject.clone(), why);
            if let Some(why) = impossible(name) {
                found.problems.push(problem(why));
            } else if let Some(file) = built.file(name) {
                found.files.push(file.to_owned());
            } else if built.is_built_in(name) {
                let name = shown(name);
                found.problems.push(problem(format!(
                    "{name} is not a module in this build, but part of vmlinux: remove .name, and write \
                    vmlinux in KLP_SYMPOS() and KLP_SYMFILE()"
                )));
            } else {
                let why = "no module of that name was built, and its symbols cannot be looked up: \
                correct the name, or give the module's file (--module, or KLP_MODULES \
                for make)";
                let nearest = nearest::of(name, built.names());
                let offers = nearest.iter().map(|name| nearest::offer(name)).collect();
                found.unknown.push(problem(why.to_owned()).with(offers));
            }
        }
        found
    }
}
