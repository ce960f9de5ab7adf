// SPDX-License-Identifier: GPL-2.0 OR MIT

//! `struct klp_patch` and what hangs on it (include/linux/livepatch.h), wherever a tool puts it.

use super::memory::{Location, Memory, Pointer};
use object::read::ReadRef;
use std::collections::BTreeMap;

/// A `klp_patch`: everything that a livepatch changes.
#[derive(Clone, Debug)]
pub struct Patch<'d> {
    /// The objects that it changes, in the order in which the kernel comes to them.
    pub objects: Vec<PatchedObject<'d>>,
    /// True if it replaces all livepatches before it. Only its code tells if none of its data does.
    pub replace: Option<bool>,
    /// Its states: changes of other things than functions.
    pub states: Vec<State>,
    /// The fault of the struct itself, if it has one.
    pub problem: Option<Problem>,
    /// The places where the kernel keeps its own members, by where they begin, and their ends.
    pub own: BTreeMap<Location, u64>,
}

impl Patch<'_> {
    /// Returns true if the kernel keeps members of its own in some of `len` bytes.
    #[must_use]
    pub fn is_kernels(&self, at: Location, len: u64) -> bool {
        overlaps(&self.own, at, len)
    }
}

/// Returns true if some of `len` bytes are in one of these ranges, which do not overlap each other.
pub(super) fn overlaps(ranges: &BTreeMap<Location, u64>, at: Location, len: u64) -> bool {
    let before = ranges.range(..at.plus(len)).next_back();
    before.is_some_and(|(start, &end)| start.section == at.section && end > at.offset)
}

/// A fault of a `klp_patch`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Problem {
    /// A member that it needs is NULL.
    Null(&'static str),
    /// Its `mod` is not the module that it is in.
    OtherModule,
    /// The kernel cannot keep its own members in a struct of that name: they are not 0, another struct
    /// is there, or it is not writable as long as the module is loaded.
    InUse(&'static str),
    /// A relocation changes this, which it is no part of.
    Written(&'static str),
    /// This is gone when the module has loaded.
    Freed(&'static str),
    /// A name is where the kernel keeps its own members.
    NameInStruct,
    /// The empty element of an array of this struct is where the kernel keeps its own members.
    EndInStruct(&'static str),
    /// This leads to nothing of the module.
    Nowhere(&'static str),
    /// Nothing ends the array of this struct.
    NoEnd(&'static str),
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

/// A `klp_func`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PatchedFunction<'d> {
    /// The place of the pointer to its name.
    pub at: Location,
    /// The place of its position.
    pub sympos_at: Location,
    /// True if it has a name at all.
    pub has_old_name: bool,
    /// The name that is looked up, if it can be read from the file.
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
    /// Its name is no string of the module, or of another object.
    NoName,
    /// A relocation writes into its name.
    NameWritten,
    /// Its name is gone when the module has loaded.
    NameFreed,
    /// A relocation writes into its position.
    SymposWritten,
}

/// A `klp_state`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct State {
    /// The identifier.
    pub id: u64,
    /// How.
    pub version: u32,
}

impl<'d> PatchedFunction<'d> {
    /// Reads one; `name`, `new_func` and `sympos` are where its fields are.
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
