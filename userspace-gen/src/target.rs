// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The kernel and the modules that a livepatch is for.

use crate::elf::{read_file, ElfFile, ElfInput};
use crate::error::{Error, Result};
use crate::kallsyms::{module, text, vmlinux};
use crate::livepatch::modinfo::Modinfo;
use crate::symbols::{ModuleView, SymbolTable};
use klp_policy::{
    list_in_index, list_in_sequence, resolve_in_index, resolve_in_sequence, Found, ObjName, Policy,
    Query, Reason, Sympos,
};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

/// The files that describe a target, opened.
#[derive(Debug, Default)]
pub struct TargetFiles {
    vmlinux: Option<ElfInput>,
    modules: Vec<ModuleFile>,
    kallsyms: Option<(PathBuf, Vec<u8>)>,
}

#[derive(Debug)]
struct ModuleFile {
    path: PathBuf,
    data: Vec<u8>,
    /// The module's name if its file does not say it: the file's name, as kbuild makes one of it.
    stem: Vec<u8>,
}

impl TargetFiles {
    /// Opens the files. Without a vmlinux the image is that of the kallsyms text.
    ///
    /// # Errors
    ///
    /// One of them cannot be read.
    pub fn open(
        vmlinux: Option<&Path>,
        modules: &[PathBuf],
        kallsyms: Option<&Path>,
    ) -> Result<Self> {
        let open = |path: &PathBuf| {
            let stem = path.file_stem().unwrap_or_default().as_encoded_bytes();
            Ok(ModuleFile {
                path: path.clone(),
                data: read_file(path)?,
                stem: module_name(stem),
            })
        };
        Ok(Self {
            vmlinux: vmlinux.map(ElfInput::open).transpose()?,
            modules: modules.iter().map(open).collect::<Result<_>>()?,
            kallsyms: match kallsyms {
                Some(path) => Some((path.to_owned(), read_file(path)?)),
                None => None,
            },
        })
    }
}

/// A module's name, from that of its file: `-` becomes `_`, as in kbuild's `name-fix-token`.
#[must_use]
pub fn module_name(stem: &[u8]) -> Vec<u8> {
    stem.iter()
        .map(|&b| if b == b'-' { b'_' } else { b })
        .collect()
}

/// One object of a target.
#[derive(Debug)]
pub struct Object<'d> {
    /// Its name.
    pub name: ObjName<'d>,
    /// What messages call the file that it is from.
    pub origin: String,
    /// Its symbols.
    pub symbols: SymbolTable<'d>,
}

/// The kernel and the modules that a livepatch is for.
#[derive(Debug, Default)]
pub struct Target<'d> {
    objects: Vec<Object<'d>>,
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
            let symbols = vmlinux::read(&elf)?;
            target.add(ObjName::VMLINUX, elf.origin(), symbols)?;
        }
        if let Some((path, data)) = &files.kallsyms {
            let origin = path.display().to_string();
            let kernel = text::read(&origin, data)?;
            if !kernel.vmlinux.entries().is_empty() {
                target.add(ObjName::VMLINUX, &origin, kernel.vmlinux)?;
            }
            for (name, symbols) in kernel.modules {
                target.add(name, &origin, symbols)?;
            }
        }
        for file in &files.modules {
            let elf = ElfFile::parse(file.path.display().to_string(), &file.data[..])?;
            let name = Modinfo::of(&elf)?.get(b"name").unwrap_or(&file.stem);
            let name = ObjName::new(name).ok_or_else(|| {
                elf.malformed(format_args!(
                    "expected a module name of 1 to 55 bytes without a dot, found '{}'",
                    String::from_utf8_lossy(name)
                ))
            })?;
            let symbols = module::read(&elf)?;
            target.add(name, elf.origin(), symbols)?;
        }
        Ok(target)
    }

    fn add(&mut self, name: ObjName<'d>, origin: &str, symbols: SymbolTable<'d>) -> Result<()> {
        if let Some(other) = self.object(name) {
            return Err(Error::refused(
                origin,
                format_args!(
                    "expected each object once, but {} has {name}, too",
                    other.origin
                ),
            ));
        }
        self.objects.push(Object {
            name,
            origin: origin.to_owned(),
            symbols,
        });
        Ok(())
    }

    /// The objects, vmlinux first if it is there.
    #[must_use]
    pub fn objects(&self) -> &[Object<'d>] {
        &self.objects
    }

    /// One object.
    #[must_use]
    pub fn object(&self, name: ObjName<'_>) -> Option<&Object<'d>> {
        self.objects.iter().find(|o| o.name == name)
    }
}

impl Object<'_> {
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
        if self.name.is_vmlinux() {
            resolve_in_index(&self.symbols, policy, query, sympos)
        } else {
            resolve_in_sequence(&ModuleView::live(&self.symbols), policy, query, sympos)
        }
    }

    /// Visits the places of the symbols that `query` matches, with their positions.
    pub fn candidates(&self, policy: Policy, query: &Query<'_>, visit: &mut dyn FnMut(u64, u32)) {
        let mut visit = |candidate: klp_policy::Candidate<'_>| {
            visit(candidate.position, candidate.symbol.seq);
            ControlFlow::Continue(())
        };
        if self.name.is_vmlinux() {
            // One pass costs less than entering the index for each of many.
            let first = self.resolve(policy, query, Sympos(u64::MAX));
            if first.is_err_and(|reason| reason.matches() <= 32) {
                list_in_index(&self.symbols, policy, query, &mut visit);
            } else {
                let whole = ModuleView::coming(&self.symbols);
                list_in_sequence(&whole, policy, query, &mut visit);
            }
        } else {
            let live = ModuleView::live(&self.symbols);
            list_in_sequence(&live, policy, query, &mut visit);
        }
    }
}
