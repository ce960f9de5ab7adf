// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Finds statics that ThinLTO may promote without a suffix, and other symbols with the same names.
//!
//! With LLVM 23's `-always-rename-promoted-locals=false`, a promoted static keeps its name if no other
//! *bitcode* has the name. The index of a ThinLTO link does not contain symbols of assembler files,
//! top-level assembler in C files, other native code, and linker scripts. [`linker_script`] reads scripts,
//! [`names`] compares both sides, and [`reserve`] makes bitcode that reserves names, so that a promoted
//! static of such a name gets a suffix.

pub mod linker_script;
pub mod names;
pub mod reserve;

pub use linker_script::LinkerScript;
pub use names::{Collision, CollisionKind, Effect, InputPlace, Static};

use crate::bitcode::{LinkInputs, Tools};
use crate::error::Result;
use names::Names;

/// Finds every collision of a link, sorted by name and kind.
///
/// # Errors
///
/// An input cannot be read, or a tool of LLVM fails.
pub fn find(
    inputs: &LinkInputs,
    scripts: &[LinkerScript],
    tools: &Tools,
) -> Result<Vec<Collision>> {
    let listed = tools.list(inputs.bitcode())?;
    let names = Names::new(inputs, &listed, scripts)?;
    let wanted: Vec<_> = names.undecided().into_iter().collect();
    let modules = tools.disassemble(inputs.bitcode(), &wanted)?;
    Ok(names.collisions(&modules))
}
