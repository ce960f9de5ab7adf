// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The meaning of a livepatch's references and `old_name`s, and the names by which the kernel finds the
//! same symbols.
//!
//! - [`plan`] resolves a whole livepatch. For each reference, it reads the [`annotation`] of the author, finds the
//!   symbol (if there are several, [`by_file`]), and makes its [`kernel_name`].
//! - [`old_names`] does the same for functions to be replaced.
//! - A [`problem`] is a name that means no symbol, or more than one ([`unresolved`]). It comes with [`candidates`], or
//!   with the [`nearest`] names and with what is found [`elsewhere`] in the build.
//! - [`references`] and [`named_modules`] are for modpost and kbuild, which need answers before the module is linked.

mod annotation;
mod by_file;
mod candidates;
mod definition;
mod elsewhere;
pub mod kernel_name;
mod module_index;
pub mod named_modules;
mod nearest;
pub mod old_names;
pub mod plan;
pub mod problem;
pub mod references;
mod unresolved;
