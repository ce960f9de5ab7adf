// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The result of an extraction, and the data from which it is made.

use super::body::Body;
use crate::build::code::Layouts;
use crate::build::compare::{Pairings, Versions};
use crate::build::identity::{Image, Located};
use crate::build::{BuildRefusal, KbuildObject, Unit};
use crate::convert::kernel_name::KernelName;
use crate::target;
use object::read::ReadRef;
use std::collections::BTreeMap;

/// A function that a livepatch replaces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replacement {
    /// The number of its file.
    pub unit: usize,
    /// The object that has the function.
    pub object: KbuildObject,
    /// Its `old_name` and `old_sympos`.
    pub kernel_name: KernelName,
    /// The symbol of the new function.
    pub symbol: Vec<u8>,
    /// Its name in the source.
    pub name: String,
}

/// A new function or variable of the livepatch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addition {
    /// The number of its file.
    pub unit: usize,
    /// Its name in the source.
    pub name: String,
    /// True for a function.
    pub is_function: bool,
}

/// The functions of a livepatch.
#[derive(Debug, Default)]
pub struct Extraction {
    /// The object file.
    pub body: Body,
    /// The functions that it replaces.
    pub functions: Vec<Replacement>,
    /// The functions and variables that no kernel had before.
    pub additions: Vec<Addition>,
    /// The reasons for which there can be no livepatch.
    pub refusals: Vec<BuildRefusal>,
    /// The parts of the new functions that are left out.
    pub warnings: Vec<String>,
}

/// The data about the kernel and the patch.
pub struct Inputs<'x, 'i, 'd, R: ReadRef<'d>> {
    /// The files.
    pub units: &'x [Unit],
    /// Their versions.
    pub versions: &'x [Versions<'x>],
    /// The original of each patched function and variable.
    pub pairings: &'x Pairings<'x, 'x>,
    /// The layouts of tables.
    pub layouts: &'x Layouts,
    /// The kernel.
    pub target: &'x target::Target<'d>,
    /// The objects, by their names.
    pub images: &'x BTreeMap<KbuildObject, Image<'i, 'd, R>>,
    /// The symbols of each file.
    pub located: &'x [Located],
}
