// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The objects of a target: vmlinux and modules, read from files or from the text of a running kernel.

use super::build_directory::path_of;
use super::object::{Object, Source};
use super::{link_order, BuildDirectory, BuiltModule, Symvers, TargetFiles};
use crate::elf::machine::machine_name;
use crate::elf::ElfFile;
use crate::error::{Error, Result};
use crate::kallsyms::{module, text, vmlinux};
use crate::livepatch::modinfo::Modinfo;
use crate::printable::shown;
use crate::symbols::SymbolTable;
use klp_policy::{ObjName, Policy, Query, Reason, Sympos};
use object::elf::Machine;
use object::read::ReadRef;
use object::Endianness;
use std::cell::OnceCell;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// The kernel and the modules for which a livepatch is made.
#[derive(Debug, Default)]
pub struct Target<'d> {
    pub(super) objects: Vec<Object<'d>>,
    by_name: HashMap<ObjName<'d>, usize>,
    pub(super) running: Option<Running<'d>>,
    symvers: Symvers,
    /// The modules of the build, and the modules that are part of vmlinux in this build.
    pub(super) built_modules: OnceCell<(Vec<BuiltModule>, Vec<BuiltModule>)>,
}

/// The image of a running kernel from its `/proc/kallsyms`, if a vmlinux is given as well.
#[derive(Debug)]
pub(super) struct Running<'d> {
    pub(super) origin: String,
    pub(super) symbols: SymbolTable<'d>,
}

impl<'d> Target<'d> {
    /// Reads the symbols of all files.
    ///
    /// # Errors
    ///
    /// A file is malformed, or two of them describe the same object.
    pub fn load(files: &'d TargetFiles) -> Result<Self> {
        let mut target = Self::default();
        if let Some(input) = &files.vmlinux {
            let elf = input.parse()?;
            elf.expect_linked()?;
            let symbols = vmlinux::read(&elf)?;
            let origin = elf.origin().to_owned();
            target.add(ObjName::VMLINUX, &origin, symbols, Source::Image(elf))?;
            if let (Some((path, data)), [image]) = (&files.link_order, &mut target.objects[..]) {
                image.linked = link_order::read(&path.display().to_string(), data)?;
            }
        }
        if let Some((path, data)) = &files.kallsyms {
            let origin = path.display().to_string();
            let kernel = text::read(&origin, data)?;
            let symbols = kernel.vmlinux;
            if files.vmlinux.is_some() {
                let origin = origin.clone();
                target.running = Some(Running { origin, symbols });
            } else if !symbols.entries().is_empty() {
                target.add(ObjName::VMLINUX, &origin, symbols, Source::Text)?;
            }
            for (name, symbols) in kernel.modules {
                target.add(name, &origin, symbols, Source::Text)?;
            }
        }
        for file in &files.modules {
            let elf = ElfFile::parse(file.path.display().to_string(), &file.data[..])?;
            elf.expect_relocatable()?;
            target.expect_same_machine(&elf)?;
            let name = Modinfo::of(&elf)?.get(b"name");
            if name.is_none() && elf.is_debug_only() && !file.is_named_as_module() {
                let what =
                    "expected a file with the name <module>.ko or <module>.ko.debug, since the \
                file does not contain the module's name (give a link of that name)";
                return Err(Error::unsupported(elf.origin(), what));
            }
            let name = name.unwrap_or(&file.stem);
            let name = ObjName::new(name).ok_or_else(|| {
                elf.malformed(format_args!(
                    "expected a module name of 1 to 55 bytes without a dot, found '{}'",
                    shown(name)
                ))
            })?;
            let symbols = module::read(&elf)?;
            let origin = elf.origin().to_owned();
            target.add(name, &origin, symbols, Source::Module(elf))?;
        }
        Ok(target)
    }

    fn add(
        &mut self,
        name: ObjName<'d>,
        origin: &str,
        symbols: SymbolTable<'d>,
        source: Source<'d>,
    ) -> Result<()> {
        if let Some(other) = self.object(name) {
            return Err(Error::refused(
                origin,
                format_args!(
                    "expected each object once, but {} has {name} as well (give only one of the files)",
                    other.origin
                ),
            ));
        }
        self.by_name.insert(name, self.objects.len());
        self.objects.push(Object {
            name,
            origin: origin.to_owned(),
            symbols,
            source,
            vermagic: OnceCell::new(),
            ftrace: OnceCell::new(),
            namespaces: OnceCell::new(),
            linked: Vec::new(),
            sources: OnceCell::new(),
        });
        Ok(())
    }

    /// Adds the exports in Module.symvers of modules that are not given.
    #[must_use]
    pub fn with_symvers(mut self, symvers: Symvers) -> Self {
        self.symvers = symvers;
        self
    }

    /// Returns the exports that Module.symvers lists.
    #[must_use]
    pub fn symvers(&self) -> &Symvers {
        &self.symvers
    }

    /// Returns the objects; vmlinux, if it is given, is the first.
    #[must_use]
    pub fn objects(&self) -> &[Object<'d>] {
        &self.objects
    }

    /// Returns the object of a name.
    #[must_use]
    pub fn object(&self, name: ObjName<'_>) -> Option<&Object<'d>> {
        self.objects.get(*self.by_name.get(&name)?)
    }

    /// Returns the directory of vmlinux, which may be the directory of its build.
    #[must_use]
    pub fn build_directory(&self) -> Option<BuildDirectory> {
        let mut objects = self.objects.iter();
        let image = objects.find(|object| matches!(object.source, Source::Image(_)))?;
        Some(BuildDirectory::of(Path::new(&image.origin)))
    }

    /// Returns the objects from which vmlinux and the modules were linked, as far as `build` tells.
    #[must_use]
    pub fn linked(&self, build: &BuildDirectory) -> Vec<PathBuf> {
        let linked = |object: &Object<'_>| match &object.source {
            Source::Image(_) if object.linked.is_empty() => build.linked(),
            Source::Image(_) => object.linked.iter().map(|name| path_of(name)).collect(),
            Source::Module(_) => build.linked_into(Path::new(&object.origin)),
            Source::Text => Vec::new(),
        };
        self.objects.iter().flat_map(linked).collect()
    }

    /// Returns the objects with one or more symbols that `query` matches.
    #[must_use]
    pub fn objects_with(&self, query: &Query<'_>) -> Vec<&Object<'d>> {
        let has = |object: &&Object<'_>| {
            let found = object.resolve(Policy::Llvm, query, Sympos::UNIQUE);
            found != Err(Reason::NotFound)
        };
        self.objects.iter().filter(has).collect()
    }

    /// Refuses a file for another architecture than the target's.
    ///
    /// # Errors
    ///
    /// The file is for another architecture.
    pub fn expect_same_machine<'f, R: ReadRef<'f>>(&self, elf: &ElfFile<'f, R>) -> Result<()> {
        let Some((machine, endian, origin)) = self.made_for() else {
            return Ok(());
        };
        if (machine, endian) == (elf.machine(), elf.endian()) {
            return Ok(());
        }
        Err(Error::refused(
            elf.origin(),
            format_args!(
                "expected a file for {} as {origin} is, found one for {}",
                machine_name(machine, endian),
                machine_name(elf.machine(), elf.endian())
            ),
        ))
    }

    /// Returns the architecture and byte order of the target, if its files tell.
    #[must_use]
    pub fn machine(&self) -> Option<(Machine, Endianness)> {
        self.made_for()
            .map(|(machine, endian, _)| (machine, endian))
    }

    fn made_for(&self) -> Option<(Machine, Endianness, &str)> {
        self.objects.iter().find_map(|o| match &o.source {
            Source::Image(image) => Some((image.machine(), image.endian(), &o.origin[..])),
            Source::Module(module) => Some((module.machine(), module.endian(), &o.origin[..])),
            Source::Text => None,
        })
    }
}
