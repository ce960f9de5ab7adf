// SPDX-License-Identifier: GPL-2.0 OR MIT

//! `struct klp_patch` and the structs to which it points (include/linux/livepatch.h), as read from any tool's livepatch.

use super::memory::{Location, Memory, Pointer};
use object::read::ReadRef;
use std::collections::BTreeMap;

/// A `klp_patch`: everything that a livepatch changes.
#[derive(Clone, Debug)]
pub struct Patch<'d> {
    /// The objects that it changes, in the kernel's order.
    pub objects: Vec<PatchedObject<'d>>,
    /// True if it replaces all livepatches before it. Unknown if only code of the livepatch sets it.
    pub replace: Option<bool>,
    /// Its states: changes of other things than functions.
    pub states: Vec<State>,
    /// The fault of the struct itself, if it has one.
    pub problem: Option<PatchProblem>,
    /// The end of the kernel's own members in each struct, by their beginning.
    pub own: BTreeMap<Location, u64>,
}

impl Patch<'_> {
    /// Returns true if `len` bytes overlap the kernel's own members.
    #[must_use]
    pub fn is_kernels(&self, at: Location, len: u64) -> bool {
        overlaps(&self.own, at, len)
    }
}

/// Returns true if `len` bytes overlap one of the ranges. The ranges do not overlap each other.
pub(super) fn overlaps(ranges: &BTreeMap<Location, u64>, at: Location, len: u64) -> bool {
    let before = ranges.range(..at.plus(len)).next_back();
    before.is_some_and(|(start, &end)| start.section == at.section && end > at.offset)
}

/// A fault of a `klp_patch`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PatchProblem {
    /// A required member is NULL.
    Null(&'static str),
    /// Its `mod` is not the livepatch itself.
    OtherModule,
    /// The kernel's own members of a struct of that name cannot be used: they are not 0, overlap another
    /// struct, or are in memory that is read-only or freed.
    InUse(&'static str),
    /// A relocation changes this part.
    Written(&'static str),
    /// This part is freed once the module has loaded.
    Freed(&'static str),
    /// A name overlaps the kernel's own members.
    NameInStruct,
    /// The empty element of an array of this struct overlaps the kernel's own members.
    EndInStruct(&'static str),
    /// This pointer leads to nothing in the module.
    Nowhere(&'static str),
    /// An array of this struct has no empty element at its end.
    NoEnd(&'static str),
    /// An array of this struct is longer than its section.
    BeyondSection(&'static str),
    /// klp-build's init code finds no object.
    Empty,
    /// klp-build's init code finds its objects in memory that is freed before.
    NotLoaded,
}

/// A `klp_object`.
#[derive(Clone, Debug)]
pub struct PatchedObject<'d> {
    /// The module's name; none for vmlinux.
    pub name: Option<&'d [u8]>,
    /// True if there is an array of functions, even an empty one.
    pub has_funcs: bool,
    /// The functions that are replaced.
    pub functions: Vec<PatchedFunction<'d>>,
    /// The callbacks, if the file tells.
    pub callbacks: Vec<Pointer<'d>>,
}

/// The name of an object, as the kernel reads it.
pub(super) enum ObjectName<'d> {
    /// NULL, which stands for vmlinux.
    Vmlinux,
    /// The name of a module.
    Module {
        /// The name.
        name: &'d [u8],
        /// The place of the name.
        at: Location,
        /// The fault of that place, if it has one.
        problem: Option<PatchProblem>,
    },
    /// A name that the kernel does not read from the file.
    Wrong(PatchProblem),
}

impl<'d> ObjectName<'d> {
    /// Reads the name to which the pointer at `pointer` leads. Returns nothing if the file does not tell the name.
    pub(super) fn read<R: ReadRef<'d>>(
        memory: &Memory<'_, 'd, R>,
        pointer: Location,
    ) -> Option<Self> {
        const NAME: &str = "the name of a klp_object";
        Some(match memory.pointer(pointer)? {
            Pointer::Null => Self::Vmlinux,
            Pointer::Local(at) if memory.is_kernels(at) || memory.is_per_cpu(at) => {
                Self::Wrong(PatchProblem::Nowhere(NAME))
            }
            Pointer::Local(at) if memory.is_written_string(at) => {
                Self::Wrong(PatchProblem::Written(NAME))
            }
            Pointer::Local(at) => Self::Module {
                name: memory.string(at)?,
                at,
                problem: memory.is_freed(at).then_some(PatchProblem::Freed(NAME)),
            },
            Pointer::External(_) => return None,
            Pointer::Absolute(_) | Pointer::Unknown => Self::Wrong(PatchProblem::Nowhere(NAME)),
        })
    }
}

/// A `klp_func`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PatchedFunction<'d> {
    /// The place of the pointer to its name.
    pub at: Location,
    /// The place of its position.
    pub sympos_at: Location,
    /// True if it has a name at all.
    pub has_old_name: bool,
    /// The name that the kernel looks up, if it can be read from the file.
    pub old_name: Option<&'d [u8]>,
    /// Its position.
    pub old_sympos: u64,
    /// The function to put in its place.
    pub new_func: Pointer<'d>,
    /// The fault of its name or position, if there is one.
    pub problem: Option<FunctionProblem>,
}

/// A fault of a `klp_func` that the kernel does not notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FunctionProblem {
    /// Its name is not a string.
    NoName,
    /// A relocation writes into its name.
    NameWritten,
    /// Its name is freed once the module has loaded.
    NameFreed,
    /// A relocation writes into its position.
    SymposWritten,
}

/// A `klp_state`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct State {
    /// The identifier.
    pub id: u64,
    /// The version.
    pub version: u32,
}

impl<'d> PatchedFunction<'d> {
    /// Reads a function; `name`, `new_func` and `sympos` are the places of its fields.
    pub(super) fn read<R: ReadRef<'d>>(
        memory: &Memory<'_, 'd, R>,
        name: Location,
        new_func: Location,
        sympos: Location,
    ) -> Option<Self> {
        let old_name = memory.pointer(name)?;
        let name_problem = match old_name {
            Pointer::Local(at) if memory.is_kernels(at) || memory.is_per_cpu(at) => {
                Some(FunctionProblem::NoName)
            }
            Pointer::Local(at) if memory.is_freed(at) => Some(FunctionProblem::NameFreed),
            Pointer::Local(at) if memory.is_written_string(at) => {
                Some(FunctionProblem::NameWritten)
            }
            Pointer::Absolute(_) | Pointer::Unknown => Some(FunctionProblem::NoName),
            _ => None,
        };
        let (old_sympos, sympos_problem) = match memory.number(sympos) {
            Some(number) => (number, None),
            None if memory.is_written(sympos, 8) => (0, Some(FunctionProblem::SymposWritten)),
            None => return None,
        };
        Some(Self {
            at: name,
            sympos_at: sympos,
            has_old_name: old_name != Pointer::Null,
            old_name: match old_name {
                Pointer::Local(name) => memory.string(name),
                _ => None,
            },
            old_sympos,
            new_func: memory.pointer(new_func)?,
            problem: name_problem.or(sympos_problem),
        })
    }
}
