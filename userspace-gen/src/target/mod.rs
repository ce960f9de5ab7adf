// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The kernel and the modules that a livepatch is for.

pub mod build_directory;
mod exports;
mod files;
mod ftrace;
mod link_order;
mod module_list;
mod module_name;
mod rule;
mod running;
pub mod sources;
mod symvers;
mod version;

pub use build_directory::{read_regular, BuildDirectory};
pub use exports::{Export, Untold};
pub use files::{module_in, TargetFiles};
pub use ftrace::Traceable;
pub(crate) use link_order::read as archive_members;
pub use module_list::{BuiltModule, ModuleLists};
pub use module_name::{impossible, module_name};
pub use rule::rule_of;
pub use sources::Sources;
pub use symvers::{Listed, Symvers};

use build_directory::path_of;

use crate::elf::machine::machine_name;
use crate::elf::{ElfFile, Symbol, SymbolId};
use crate::error::{Error, Result};
use crate::kallsyms::{module, text, vmlinux};
use crate::livepatch::modinfo::Modinfo;
use crate::shown::shown;
use crate::symbols::{ObjectView, SymbolTable};
use klp_policy::{
    list_in_index, list_in_sequence, resolve_in_index, Found, ObjName, Policy, Query, Reason,
    Sympos,
};
use memchr::memmem;
use object::elf::Machine;
use object::read::{ReadCache, ReadRef};
use object::Endianness;
use std::cell::OnceCell;
use std::collections::HashMap;
use std::fs::File;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

/// One object of a target.
#[derive(Debug)]
pub struct Object<'d> {
    /// Its name.
    pub name: ObjName<'d>,
    /// What messages call the file that it is from.
    pub origin: String,
    /// Its symbols.
    pub symbols: SymbolTable<'d>,
    source: Source<'d>,
    ftrace: OnceCell<Option<ftrace::Locations>>,
    namespaces: OnceCell<exports::Namespaces>,
    /// The objects that it was linked from, in order.
    linked: Vec<&'d [u8]>,
    sources: OnceCell<Option<Sources>>,
}

/// What an object was read from.
#[derive(Debug)]
enum Source<'d> {
    /// The file of the kernel image.
    Image(ElfFile<'d, &'d ReadCache<File>>),
    /// The file of a module.
    Module(ElfFile<'d>),
    /// What a running kernel printed.
    Text,
}

/// The kernel and the modules that a livepatch is for.
#[derive(Debug, Default)]
pub struct Target<'d> {
    objects: Vec<Object<'d>>,
    by_name: HashMap<ObjName<'d>, usize>,
    running: Option<running::Running<'d>>,
    symvers: Symvers,
    /// The modules of the build, and those that are part of vmlinux there.
    built_modules: OnceCell<(Vec<BuiltModule>, Vec<BuiltModule>)>,
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
                target.running = Some(running::Running { origin, symbols });
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
                let what = "expected a file that is called <module>.ko, or <module>.ko.debug, since it \
                            does not say itself which module it is of (give a link that is called so)";
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
                    "expected each object once, but {} has {name}, too (give one of the two)",
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
            ftrace: OnceCell::new(),
            namespaces: OnceCell::new(),
            linked: Vec::new(),
            sources: OnceCell::new(),
        });
        Ok(())
    }

    /// Adds what Module.symvers says about modules that are not given.
    #[must_use]
    pub fn with_symvers(mut self, symvers: Symvers) -> Self {
        self.symvers = symvers;
        self
    }

    /// The exports that Module.symvers lists.
    #[must_use]
    pub fn symvers(&self) -> &Symvers {
        &self.symvers
    }

    /// The objects, vmlinux first if it is there.
    #[must_use]
    pub fn objects(&self) -> &[Object<'d>] {
        &self.objects
    }

    /// One object.
    #[must_use]
    pub fn object(&self, name: ObjName<'_>) -> Option<&Object<'d>> {
        self.objects.get(*self.by_name.get(&name)?)
    }

    /// The directory of vmlinux, which may be that of its build.
    #[must_use]
    pub fn build_directory(&self) -> Option<BuildDirectory> {
        let mut objects = self.objects.iter();
        let image = objects.find(|object| matches!(object.source, Source::Image(_)))?;
        Some(BuildDirectory::of(Path::new(&image.origin)))
    }

    /// The objects that vmlinux and the modules were linked from, as far as `build` tells.
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

    /// The objects that have a symbol which `query` matches, one or several.
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
    /// It is for another one.
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

    /// The architecture and byte order of the target, if its files tell.
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

impl<'d> Object<'d> {
    /// Resolves a query as the kernel does while this object is live.
    ///
    /// # Errors
    ///
    /// Says why not.
    pub fn resolve(
        &self,
        policy: Policy,
        query: &Query<'_>,
        sympos: Sympos,
    ) -> std::result::Result<Found, Reason> {
        self.resolve_in(&ObjectView::live(&self.symbols), policy, query, sympos)
    }

    /// Resolves a query as the kernel does while this object initializes.
    ///
    /// # Errors
    ///
    /// Says why not.
    pub fn resolve_coming(
        &self,
        policy: Policy,
        query: &Query<'_>,
        sympos: Sympos,
    ) -> std::result::Result<Found, Reason> {
        self.resolve_in(&ObjectView::coming(&self.symbols), policy, query, sympos)
    }

    fn resolve_in(
        &self,
        view: &ObjectView<'_, '_>,
        policy: Policy,
        query: &Query<'_>,
        sympos: Sympos,
    ) -> std::result::Result<Found, Reason> {
        // The kernel walks through a module's table; by the index it is the same order, and a file
        // with many names costs no more than a large kernel does.
        resolve_in_index(view, rule_of(policy, self.name), query, sympos)
    }

    /// Whether a livepatch can redirect the function at a place of the table.
    #[must_use]
    pub fn traceable(&self, seq: u32) -> Traceable {
        let locations = self.ftrace.get_or_init(|| match &self.source {
            Source::Image(elf) => ftrace::of_image(elf, &self.symbols),
            Source::Module(elf) => ftrace::of_module(elf),
            Source::Text => None,
        });
        match locations {
            Some(locations) => locations.traceable(&self.symbols, seq),
            None => Traceable::Unknown,
        }
    }

    /// The symbol at a place of the table, as its file has it.
    #[must_use]
    pub fn file_symbol(&self, seq: u32) -> Option<Symbol<'d>> {
        let id = SymbolId(self.symbols.get(seq)?.index as usize);
        match &self.source {
            Source::Image(elf) => elf.get_symbol(id),
            Source::Module(elf) => elf.get_symbol(id),
            Source::Text => None,
        }
    }

    /// Which source files its local symbols are from, if its file tells.
    #[must_use]
    pub fn sources(&self) -> Option<&Sources> {
        let read = || match &self.source {
            Source::Image(elf) => Some(Sources::of_image(elf, &self.linked)),
            Source::Module(elf) => Some(Sources::of_module(elf)),
            Source::Text => None,
        };
        self.sources.get_or_init(read).as_ref()
    }

    /// The path of the source file that the symbol at a place of the table is from, if nothing else could
    /// be behind the file's `STT_FILE` symbol. In a module it is the last component.
    #[must_use]
    pub fn source_file(&self, seq: u32) -> Option<&[u8]> {
        let symbol = self.file_symbol(seq)?;
        let file = self.sources()?.file_of(symbol.id)?;
        let known = file.is_alone() && symbol.is_static();
        known.then(|| file.path())
    }

    /// Returns whether the object's debug information has `name` among its strings, as far as they are there
    /// uncompressed: the name of a function, of a type, of anything.
    #[must_use]
    pub fn debug_names(&self, name: &[u8]) -> bool {
        match &self.source {
            Source::Image(elf) => has_string(elf, name),
            Source::Module(elf) => has_string(elf, name),
            Source::Text => false,
        }
    }

    /// Returns whether this is a kernel image whose source files are not known for want of its `vmlinux.a`.
    #[must_use]
    pub fn lacks_link_order(&self) -> bool {
        matches!(self.source, Source::Image(_)) && self.linked.is_empty()
    }

    /// Visits the places of the symbols that `query` matches, with their positions.
    pub fn candidates(&self, policy: Policy, query: &Query<'_>, visit: &mut dyn FnMut(u64, u32)) {
        let mut visit = |candidate: klp_policy::Candidate<'_>| {
            visit(candidate.position, candidate.symbol.seq);
            ControlFlow::Continue(())
        };
        let policy = rule_of(policy, self.name);
        let live = ObjectView::live(&self.symbols);
        // One pass costs less than entering the index for each of many.
        let first = self.resolve(policy, query, Sympos(u64::MAX));
        if first.is_err_and(|reason| reason.matches() <= 32) {
            list_in_index(&live, policy, query, &mut visit);
        } else {
            list_in_sequence(&live, policy, query, &mut visit);
        }
    }
}

/// Returns whether `.debug_str` has a string.
fn has_string<'d, R: ReadRef<'d>>(elf: &ElfFile<'d, R>, string: &[u8]) -> bool {
    let section = elf.section_by_name(b".debug_str");
    let section = section.filter(|section| !section.flags.contains(object::elf::SHF_COMPRESSED));
    let strings = section.and_then(|section| elf.section_data(&section).ok());
    let strings = strings.unwrap_or_default();
    let whole = [b"\0", string, b"\0"].concat();
    strings.starts_with(&whole[1..]) || memmem::find(strings, &whole).is_some()
}
