// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The parts of a ThinLTO link, bitcode and native code, and LLVM's tools that read bitcode.
//!
//! [`inputs`] opens the inputs of a link, [`native`] reads native code, [`tools`] finds an LLVM that can
//! read the bitcode (its maker is the [`producer`]), [`llvm`] runs the tools, and [`text`] reads their
//! output.

pub mod inputs;
pub mod llvm;
pub mod native;
pub mod producer;
pub mod text;
pub mod tools;

pub use inputs::{FatObjects, LinkInputs};
pub use tools::{Llvm, Tools};
