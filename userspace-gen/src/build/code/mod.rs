// SPDX-License-Identifier: GPL-2.0 OR MIT

//! An object file as a `ThinLTO` backend writes it, cut into functions and variables.
//!
//! The linker's LTO makes one section for each function and each variable. Functions and variables with a
//! section in the source (`__init`, `__ro_after_init`, `__sched`) still share a section.
//!
//! - [`mod@file`] has the object file, [`piece`] a function or variable of it.
//! - `read` reads the file, and `cut` cuts all sections by their symbols.
//! - [`references`] resolves the targets of relocations.
//! - [`instructions`] reads the code around a relocation.
//! - [`tables`] knows tables such as `__bug_table`, whose layouts [`probe`] asks the compiler for; `entries` finds
//!   the entries that belong to a function.

mod cut;
mod entries;
pub mod file;
pub mod instructions;
pub mod piece;
pub mod probe;
mod read;
pub mod references;
pub mod tables;

pub use file::Code;
pub use piece::{Piece, PieceId, PieceKind, Span};
pub use references::{Reference, ReferenceTarget};
pub use tables::{Layouts, TableEntry};
