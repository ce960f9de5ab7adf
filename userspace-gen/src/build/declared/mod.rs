// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Finds where the static variables of a file are declared, to tell variables of one name apart, and the parts of split
//! variables.
//!
//! LLVM gives static locals of one name numbers (`f.x`, `f.x.7`), by their order in the file. With a new variable in
//! front of the kernel's, the kernel's gets another number. The block with its declaration is the same. The compiler says
//! where that is, if it makes debug information. Most kernels are built without that, so the file is compiled once more,
//! before and after the patch, but only if it is needed. The result has to be the code that is compared, apart from the
//! debug information.

pub mod debug_info;
pub mod text;

use super::compile::Compiler;
use super::disassembler::Disassembler;
use super::ir::Ir;
use super::kbuild::Saved;
use super::kernel::{is_bitcode, KernelBuild};
use super::patches::Patched;
use super::path::{copy_below, normal};
use super::Unit;
use crate::error::Result;
use crate::file::read_file;
use debug_info::{declarations, Declaration, Declarations};
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use text::Declared;

/// A variable of the original source, or a part of one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    /// The declaration.
    pub at: At,
    /// The type and the part, as debug information says them.
    pub form: Vec<u8>,
}

/// The place of a declaration in the original source.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum At {
    /// Outside of functions, where C allows one static variable of a name.
    File,
    /// The body of a function, not a block of it.
    Body,
    /// The line of a file.
    Line(PathBuf, usize),
    /// The name in a file of which the patch changes nothing.
    Name(Vec<u8>),
}

/// The places of variables of a file by their names in the bitcode, without those that are not certain; none for a
/// declaration that the patch adds.
pub type Places = HashMap<Vec<u8>, Option<Place>>;

/// A file that the patch changes, as bitcode.
#[derive(Debug)]
pub struct Bitcode {
    /// The file of the running kernel.
    pub original: PathBuf,
    /// The file with the patch.
    pub patched: PathBuf,
}

/// The sources before and after the patch.
#[derive(Debug)]
pub struct Sources {
    /// The patched files.
    pub patched: Patched,
    /// The compiler of the original files.
    pub before: Compiler,
    /// The compiler of the patched files.
    pub after: Compiler,
    /// The files that the patch changes, by kbuild's names.
    pub bitcode: HashMap<PathBuf, Bitcode>,
    /// The tools that read bitcode.
    pub disassembler: Disassembler,
}

impl Sources {
    /// Returns the places of some variables of a file before and after the patch, each in the original source.
    ///
    /// Returns nothing if the compiler makes other code with debug information. Intermediate files are written below
    /// `directory`.
    ///
    /// # Errors
    ///
    /// A file cannot be read or written, or a tool cannot be run.
    pub fn places(
        &self,
        kernel: &KernelBuild,
        unit: &Unit,
        wanted: &HashSet<Vec<u8>>,
        directory: &Path,
    ) -> Result<Option<[Places; 2]>> {
        let Some(bitcode) = self.bitcode.get(&unit.kbuild_path) else {
            return self.names(&kernel.directory().join(&unit.kbuild_path));
        };
        let saved = Saved::open(kernel.directory(), &unit.kbuild_path)?;
        let Some(all) = self.declarations(kernel, unit, bitcode, directory)? else {
            return Ok(None);
        };
        let directory = saved.directory.as_deref().unwrap_or(kernel.directory());
        let places = |declarations: &Declarations, is_patched| -> Result<Places> {
            let mut places = Places::new();
            for name in wanted {
                let Some(declaration) = declarations.get(name) else {
                    continue;
                };
                let file = normal(&directory.join(&declaration.file));
                let found = self.declared(kernel, &file, declaration, is_patched)?;
                let Some(found) = found else { continue };
                let at = match found {
                    Declared::New => None,
                    Declared::File => Some(At::File),
                    Declared::Body => Some(At::Body),
                    Declared::Line(line) => Some(At::Line(file, line)),
                };
                let form = declaration.form.clone();
                places.insert(name.clone(), at.map(|at| Place { at, form }));
            }
            Ok(places)
        };
        let [before, after] = &all;
        Ok(Some([places(before, false)?, places(after, true)?]))
    }

    /// Returns those of the pairs of variables, by their names before and after, that LLVM keeps as one bit and whose two
    /// values may not be the same before and after.
    ///
    /// LLVM keeps a variable as one bit if only one value is stored beside the initial one
    /// (`TryToShrinkGlobalToBoolean()` of `GlobalOpt.cpp`). The bit says which one it is, and debug information says which
    /// values these are.
    ///
    /// # Errors
    ///
    /// A file cannot be read or written, or a tool cannot be run.
    pub fn other_bits(
        &self,
        kernel: &KernelBuild,
        unit: &Unit,
        pairs: &[(Vec<u8>, Vec<u8>)],
        directory: &Path,
    ) -> Result<Vec<Vec<u8>>> {
        let Some(bitcode) = self
            .bitcode
            .get(&unit.kbuild_path)
            .filter(|_| !pairs.is_empty())
        else {
            return Ok(Vec::new());
        };
        let texts = self
            .disassembler
            .texts(&[&bitcode.original, &bitcode.patched])?;
        let mut bits = texts.iter().map(|text| debug_info::bits(text));
        let (Some(before), Some(after)) = (bits.next(), bits.next()) else {
            return Ok(Vec::new());
        };
        let mut suspects: Vec<_> = pairs
            .iter()
            .filter(|(old, new)| before.contains(&old[..]) || after.contains(&new[..]))
            .collect();
        if !suspects.is_empty() {
            if let Some([before, after]) = self.declarations(kernel, unit, bitcode, directory)? {
                suspects.retain(|(old, new)| {
                    let both = before.get(old).zip(after.get(new));
                    both.is_none_or(|(before, after)| before.form != after.form)
                });
            }
        }
        Ok(suspects.into_iter().map(|(_, new)| new.clone()).collect())
    }

    /// Compiles a file with debug information, before and after the patch.
    ///
    /// Returns nothing if the compiler makes other code with it.
    fn declarations(
        &self,
        kernel: &KernelBuild,
        unit: &Unit,
        bitcode: &Bitcode,
        directory: &Path,
    ) -> Result<Option<[Declarations; 2]>> {
        let path = &unit.kbuild_path;
        let saved = Saved::open(kernel.directory(), path)?;
        let mut all = Vec::new();
        for (name, compiler, compared) in [
            ("before", &self.before, &bitcode.original),
            ("after", &self.after, &bitcode.patched),
        ] {
            let mut compiler = compiler.clone();
            compiler.options.push("-g".to_owned());
            let to = copy_below(&directory.join("declared").join(name), path);
            // The same livepatch may have asked before.
            if !to.is_file() && compiler.compile(kernel, path, &saved, &to)?.is_err()
                || !is_bitcode(&to)?
            {
                return Ok(None);
            }
            let texts = self.disassembler.texts(&[compared, &to])?;
            let [compared, text] = &texts[..] else {
                return Ok(None);
            };
            if !Ir::parse(compared).has_same_definitions(&Ir::parse(text)) {
                return Ok(None);
            }
            all.push(declarations(text));
        }
        Ok(all.try_into().ok())
    }

    /// Returns the names of a file as places: the bitcode of a file that only imports other code is the same.
    fn names(&self, bitcode: &Path) -> Result<Option<[Places; 2]>> {
        if !is_bitcode(bitcode)? {
            return Ok(None);
        }
        let texts = self.disassembler.texts(&[bitcode])?;
        let names = texts.first().map(|text| {
            let ir = Ir::parse(text);
            let names = ir.definitions().map(<[u8]>::to_vec);
            let places = names.map(|name| {
                let (at, form) = (At::Name(name.clone()), Vec::new());
                (name, Some(Place { at, form }))
            });
            places.collect::<Places>()
        });
        Ok(names.map(|names| [names.clone(), names]))
    }

    /// Returns where a variable is declared, if that is certain.
    fn declared(
        &self,
        kernel: &KernelBuild,
        file: &Path,
        declaration: &Declaration,
        is_patched: bool,
    ) -> Result<Option<Declared>> {
        if declaration.is_of_file {
            return Ok(Some(Declared::File));
        }
        let (line, name) = (declaration.line, &declaration.name);
        let mut trees = kernel.source_names().iter();
        let Some(path) = trees.find_map(|tree| file.strip_prefix(tree).ok()) else {
            return Ok(None);
        };
        if self.patched.paths().any(|patched| patched == path) {
            return Ok(self.patched.declared(path, line, name, is_patched));
        }
        if !file.is_file() {
            return Ok(None);
        }
        Ok(text::declared(&read_file(file)?, line, name))
    }
}
