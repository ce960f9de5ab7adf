// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The parts of a ThinLTO link, bitcode and native code, and LLVM's tools that read bitcode.
//!
//! [`inputs`] opens what is linked, [`native`] reads native code, [`tools`] finds the LLVM that made the
//! bitcode ([`producer`]), [`llvm`] has its tools read it, [`text`] understands what they print.

pub mod inputs;
pub mod llvm;
pub mod native;
pub mod producer;
pub mod text;
pub mod tools;

pub use inputs::{FatObjects, Inputs};
pub use tools::{Llvm, Tools};
