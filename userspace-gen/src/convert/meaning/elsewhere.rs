// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The search for a name that no given object has: in modules that are not given, and in the source.

use super::definition::defines;
use super::module_index::ModuleIndex;
use super::problem::NameKind;
use crate::printable::shown;
use crate::target::{read_regular, BuildDirectory, BuiltModule, Target};
use klp_policy::ObjName;
use object::elf;
use std::cell::{Cell, OnceCell};
use std::fs;
use std::iter;
use std::path::{Path, PathBuf};

/// The number of searches: each search reads the source of a kernel.
const SEARCHES: u32 = 20;

/// The number of modules that a message names.
const NAMED: usize = 3;

/// The outcome of a search.
pub(super) enum Search {
    /// The name was found: lines that say where, and what to do.
    Found(Vec<String>),
    /// The debug information has the name: of a function, a type, or anything else.
    Debug(String),
    /// The source does not have the name.
    Nowhere,
    /// The source is not available.
    Unknown,
}

/// The search in the directory in which the kernel was built.
pub(super) struct Elsewhere<'n> {
    target: &'n Target<'n>,
    left: Cell<u32>,
    modules: OnceCell<ModuleIndex>,
}

impl<'n> Elsewhere<'n> {
    pub(super) fn new(target: &'n Target<'n>) -> Self {
        Self {
            target,
            left: Cell::new(SEARCHES),
            modules: OnceCell::new(),
        }
    }

    /// Searches for a name that no given object has.
    pub(super) fn search(&self, kind: NameKind, name: &[u8]) -> Search {
        let (Some(build), Some(left)) = (
            self.target.build_directory(),
            self.left.get().checked_sub(1),
        ) else {
            return Search::Unknown;
        };
        self.left.set(left);
        let (defined_in, searched) = self.defined(&build, name);
        let defined_in = defined_in.map(|file| {
            let is_header = file.extension().is_some_and(|end| end == "h");
            let cure = match kind {
                NameKind::Function => "replace the functions that call it",
                NameKind::Reference if is_header => "include that header",
                NameKind::Reference | NameKind::Object => "copy it into the livepatch",
            };
            let file = file.display();
            format!("{file} defines it, so it was inlined everywhere or not compiled: {cure}")
        });
        let mut lines = Vec::from_iter(defined_in);
        lines.extend(self.in_modules(&build, name));
        if self.target.symvers().get(name).is_none() {
            lines.extend(exported(&build, name));
        }
        if !lines.is_empty() {
            return Search::Found(lines);
        }
        let mut objects = self.target.objects().iter();
        if let Some(object) = objects.find(|object| object.debug_names(name)) {
            return Search::Debug(format!(
                "the debug information of {} has the name: if it is a function, it was inlined everywhere",
                object.name
            ));
        }
        if searched {
            Search::Nowhere
        } else {
            Search::Unknown
        }
    }

    /// Returns a line for each module of the build that has the name and is not given.
    fn in_modules(&self, build: &BuildDirectory, name: &[u8]) -> Vec<String> {
        let modules = self.modules.get_or_init(|| {
            let given = |module: &BuiltModule| {
                ObjName::new(&module.name).is_some_and(|name| self.target.object(name).is_some())
            };
            let mut modules = build.modules();
            modules.retain(|module| !given(module));
            ModuleIndex::new(modules)
        });
        let say = |module: &BuiltModule| {
            let (name, path) = (shown(&module.name), module.path.display());
            format!("{name} has it, but is not given: add --module {path}")
        };
        modules.having(name).take(NAMED).map(say).collect()
    }

    /// Returns the source file that defines a function of that name, and true if any source was searched.
    fn defined(&self, build: &BuildDirectory, name: &[u8]) -> (Option<PathBuf>, bool) {
        let mut searched = false;
        for object in self.target.linked(build) {
            let file = object.with_extension("c");
            let Some(text) = build.source(&file) else {
                continue;
            };
            searched = true;
            if defines(&text, name) {
                return (Some(file), searched);
            }
        }
        let machine = self.target.machine();
        let arch = machine.and_then(|(machine, _)| arch(machine));
        let arch = arch.map(|arch| format!("arch/{arch}/include"));
        let places = iter::once("include").chain(arch.as_deref());
        let tree = build.source_tree();
        let mut headers = places.flat_map(|place| headers_below(&tree.join(place)));
        let header = headers.find(|path| read_regular(path).is_some_and(|t| defines(&t, name)));
        let header = header.map(|path| {
            path.strip_prefix(&tree)
                .map_or(path.clone(), Path::to_owned)
        });
        (header, searched)
    }
}

/// Returns a line about a name in the build's list of exports.
fn exported(build: &BuildDirectory, name: &[u8]) -> Option<String> {
    let (path, symvers) = build.symvers()?;
    let module = shown(&symvers.get(name)?.module);
    let path = path.display();
    Some(format!(
        "{path} lists it as an export of {module}: add --symvers {path}"
    ))
}

/// Returns the headers below a directory.
fn headers_below(directory: &Path) -> Vec<PathBuf> {
    let mut headers = Vec::new();
    let mut directories = vec![directory.to_owned()];
    while let Some(directory) = directories.pop() {
        let entries = fs::read_dir(directory).into_iter().flatten().flatten();
        for entry in entries {
            // A symbolic link is neither a directory nor a file here, so that there are no loops.
            let Ok(kind) = entry.file_type() else {
                continue;
            };
            let path = entry.path();
            if kind.is_dir() {
                directories.push(path);
            } else if kind.is_file() && path.extension().is_some_and(|end| end == "h") {
                headers.push(path);
            }
        }
    }
    headers.sort_unstable();
    headers
}

/// Returns the directory of an architecture in the kernel's tree.
fn arch(machine: elf::Machine) -> Option<&'static str> {
    Some(match machine {
        elf::EM_X86_64 => "x86",
        elf::EM_AARCH64 => "arm64",
        elf::EM_S390 => "s390",
        elf::EM_PPC64 => "powerpc",
        elf::EM_RISCV => "riscv",
        elf::EM_LOONGARCH => "loongarch",
        _ => return None,
    })
}
