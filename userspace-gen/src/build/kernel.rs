// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The directory in which the kernel was built, as `klp-gen build` needs it.
//!
//! klp-gen writes nothing into this directory or into the source tree.

use super::disassembler::Disassembler;
use super::kbuild::{Invocation, Saved};
use super::path::normal;
use super::KbuildObject;
use crate::error::{Error, ErrorKind, Result};
use crate::file::read_file;
use crate::target::BuildDirectory;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// The first bytes of bitcode, and of bitcode in a wrapper.
const BITCODE: [[u8; 4]; 2] = [*b"BC\xc0\xde", [0xde, 0xc0, 0x17, 0x0b]];

/// A kernel that was built with ThinLTO.
#[derive(Debug)]
pub struct KernelBuild {
    directory: PathBuf,
    source: PathBuf,
    source_names: Vec<PathBuf>,
    members: Vec<Member>,
    link: Invocation,
    /// The directory of modules that were built outside the tree, if patches are of these.
    external: Option<PathBuf>,
}

/// A file that is linked into vmlinux.o.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The path below the build directory: `mm/slab_common.o`.
    pub path: PathBuf,
    /// True if the file is bitcode, which ThinLTO compiles.
    pub is_bitcode: bool,
}

/// A module of the build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KbuildModule {
    /// The object of the livepatch.
    pub object: KbuildObject,
    /// The file: `net/ipv6/ipv6.ko`.
    pub ko: PathBuf,
    /// The files that are linked into the module, in order, as its `.mod` file lists them.
    pub members: Vec<PathBuf>,
}

impl KernelBuild {
    /// Reads the link order and the link line of a build directory.
    ///
    /// `source` is the kernel's tree, if it is not the tree that the build directory names.
    ///
    /// # Errors
    ///
    /// Files of the build are missing, or the kernel was not linked by LLD with ThinLTO.
    pub fn open(directory: &Path, source: Option<&Path>) -> Result<Self> {
        let cannot = |e| {
            let what = format_args!("cannot open the build directory {}", directory.display());
            Error::io(&what, e)
        };
        let directory = fs::canonicalize(directory).map_err(cannot)?;
        for name in ["vmlinux", "vmlinux.o", "vmlinux.a", "Module.symvers"] {
            if !directory.join(name).is_file() {
                let what = format!(
                    "{}: expected the build directory of a kernel, with {name} in it, found no {name} \
                    (give the directory in which the kernel was built)",
                    directory.display()
                );
                return Err(Error::new(ErrorKind::Refused, what));
            }
        }
        let files = BuildDirectory::of(&directory.join("vmlinux"));
        let source = match source {
            Some(source) => fs::canonicalize(source).map_err(cannot)?,
            None => fs::canonicalize(files.source_tree()).map_err(cannot)?,
        };
        let members = files.linked().into_iter().map(|path| {
            let is_bitcode = is_bitcode(&directory.join(&path))?;
            Ok(Member { path, is_bitcode })
        });
        let members = members.collect::<Result<Vec<_>>>()?;
        if !members.iter().any(|member| member.is_bitcode) {
            let what = format!(
                "{}: expected a kernel with CONFIG_LTO_CLANG_THIN, found no bitcode in vmlinux.a \
                (configure the kernel with it; CONFIG_LTO_CLANG_THIN_DIST puts native objects there)",
                directory.display()
            );
            return Err(Error::new(ErrorKind::Unsupported, what));
        }
        let saved = Saved::open(&directory, Path::new("vmlinux.o"))?;
        let link = saved
            .invocations
            .into_iter()
            .next()
            .unwrap_or(Invocation { words: Vec::new() });
        let mut source_names = vec![source.clone()];
        let first = members.iter().filter(|member| member.is_bitcode);
        for member in first {
            // Rust has a bitcode file of its own.
            let saved = Saved::open(&directory, &member.path)?;
            let name = saved
                .source
                .filter(|path| path.extension().is_some_and(|e| e == "c"));
            let Some(name) = name else { continue };
            let tree = normal(&directory.join(tree_of(&name, &member.path)));
            if !source_names.contains(&tree) {
                source_names.push(tree);
            }
            break;
        }
        Ok(Self {
            directory,
            source,
            source_names,
            members,
            link,
            external: None,
        })
    }

    /// Makes patches change the modules of `directory` (which kbuild made with `M=`) instead of the kernel.
    ///
    /// # Errors
    ///
    /// No modules were built in the directory.
    pub fn with_external_modules(mut self, directory: &Path) -> Result<Self> {
        let cannot = |e| {
            let what = format_args!(
                "cannot open the directory of modules {}",
                directory.display()
            );
            Error::io(&what, e)
        };
        let directory = fs::canonicalize(directory).map_err(cannot)?;
        if !directory.join("modules.order").is_file() {
            let what = format!(
                "{}: expected a directory in which modules were built (make M={0}), found no modules.order",
                directory.display()
            );
            return Err(Error::new(ErrorKind::Refused, what));
        }
        self.source.clone_from(&directory);
        self.source_names = vec![directory.clone()];
        self.external = Some(directory);
        Ok(self)
    }

    /// Returns the directory of the compiled files that a patch may change.
    ///
    /// For files outside the kernel's tree, kbuild uses absolute names, which `join()` does not change.
    #[must_use]
    pub fn compiled_in(&self) -> &Path {
        self.external.as_deref().unwrap_or(&self.directory)
    }

    /// Returns the build directory, as an absolute path.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Returns the tree to which patches apply, as an absolute path: the kernel's tree, or the directory of
    /// modules.
    #[must_use]
    pub fn source(&self) -> &Path {
        &self.source
    }

    /// Returns the names of the source tree: the absolute path, and the path that kbuild gave to the
    /// compiler.
    #[must_use]
    pub fn source_names(&self) -> &[PathBuf] {
        &self.source_names
    }

    /// Returns the kernel image.
    #[must_use]
    pub fn vmlinux(&self) -> PathBuf {
        self.directory.join("vmlinux")
    }

    /// Returns vmlinux.o, from which vmlinux was linked: every function and variable, with relocations.
    #[must_use]
    pub fn vmlinux_o(&self) -> PathBuf {
        self.directory.join("vmlinux.o")
    }

    /// Returns the list of exports.
    #[must_use]
    pub fn symvers(&self) -> PathBuf {
        self.directory.join("Module.symvers")
    }

    /// Returns the files that are linked into vmlinux.o, in link order.
    #[must_use]
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// Returns the linker's command line for vmlinux.o.
    #[must_use]
    pub fn link(&self) -> &Invocation {
        &self.link
    }

    /// Returns the disassembler for the bitcode of this build.
    ///
    /// # Errors
    ///
    /// `PATH` has no disassembler that is new enough.
    pub fn disassembler(&self) -> Result<Disassembler> {
        let bitcode = self.members.iter().find(|member| member.is_bitcode);
        let path = bitcode.map_or(Path::new(""), |member| member.path.as_path());
        Disassembler::new(&self.directory.join(path))
    }

    /// Returns the name that klp-gen has for a file of a module: below the build directory, or absolute.
    ///
    /// Since 6.13, kbuild builds an external module in its own directory, and calls its files `./x.o`.
    #[must_use]
    pub fn kbuild_path(&self, member: &Path) -> PathBuf {
        match &self.external {
            Some(external) => normal(&external.join(member)),
            None => member.to_owned(),
        }
    }

    /// Returns the modules of the build.
    ///
    /// # Errors
    ///
    /// A module's `.mod` file cannot be read.
    pub fn modules(&self) -> Result<Vec<KbuildModule>> {
        let files = BuildDirectory::of(&self.compiled_in().join("vmlinux"));
        let modules = files.modules().into_iter().map(|module| {
            let in_tree = module.path.strip_prefix(&self.directory).ok();
            let in_tree = in_tree.filter(|_| self.external.is_none());
            let ko = in_tree.unwrap_or(&module.path);
            let list = read_file(&module.path.with_extension("mod"))?;
            let list = String::from_utf8_lossy(&list);
            Ok(KbuildModule {
                object: KbuildObject::Module(ko.with_extension("")),
                ko: ko.to_owned(),
                members: list
                    .lines()
                    .map(|member| self.kbuild_path(Path::new(member)))
                    .collect(),
            })
        });
        modules.collect()
    }
}

/// Returns the source tree of a C file: `../linux` for `../linux/mm/slub.c`, from which `mm/slub.o` was
/// compiled.
fn tree_of(source: &Path, object: &Path) -> PathBuf {
    let depth = object.components().count();
    source
        .ancestors()
        .nth(depth)
        .unwrap_or(Path::new(""))
        .to_owned()
}

/// Returns true if a file is bitcode.
///
/// # Errors
///
/// The file cannot be read.
pub fn is_bitcode(path: &Path) -> Result<bool> {
    let mut magic = [0; 4];
    let read = File::open(path).and_then(|mut file| file.read(&mut magic));
    let read = read.map_err(|e| Error::io(&format_args!("cannot read {}", path.display()), e))?;
    Ok(read == magic.len() && BITCODE.contains(&magic))
}
