// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Statics that ThinLTO may promote without a suffix, and who else has their names.
//!
//! With LLVM 23's `-always-rename-promoted-locals=false` a promoted static keeps its name where no
//! other *bitcode* has it: the index of a ThinLTO link does not see assembler files, top-level
//! assembler in C files, other native code, and linker scripts. [`inputs`] opens what is linked,
//! [`elf_object`] reads native code, [`tools`] finds the LLVM that made the bitcode ([`producer`]), [`llvm`]
//! has its tools read it, [`bitcode`] and [`linker_script`] understand texts, [`names`] puts both sides
//! together, and [`reserve`] makes the bitcode that takes a name out of the promotion's reach.

pub mod bitcode;
pub mod elf_object;
pub mod inputs;
pub mod linker_script;
pub mod llvm;
pub mod names;
pub mod producer;
pub mod reserve;
pub mod tools;

pub use inputs::{FatObjects, Inputs};
pub use linker_script::LinkerScript;
pub use names::{Collision, Effect, Kind, Place, Static};
pub use tools::{Llvm, Tools};

use crate::error::Result;
use names::Names;

/// Finds every collision of a link, sorted by name and kind.
///
/// # Errors
///
/// An input cannot be read, or a tool of LLVM fails.
pub fn find(inputs: &Inputs, scripts: &[LinkerScript], tools: &Tools) -> Result<Vec<Collision>> {
    let listed = tools.list(inputs.bitcode())?;
    let names = Names::new(inputs, &listed, scripts)?;
    let wanted: Vec<_> = names.undecided().into_iter().collect();
    let modules = tools.disassemble(inputs.bitcode(), &wanted)?;
    Ok(names.collisions(&modules))
}
