// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The meaning of a livepatch's references and `old_name`s, and the names by which the kernel finds the
//! same.
//!
//! [`plan`] has the answer for a whole livepatch: it reads each [`annotation`] of an author, finds the symbol
//! ([`by_file`] among several), and writes its [`kernel_name`]; [`old_names`] does the same for functions to
//! be replaced. A [`problem`] is a name that means nothing ([`unresolved`] says why), with [`candidates`], with the [`nearest`] names,
//! and with what is known [`elsewhere`] in the build. [`references`] and [`named_modules`] serve modpost and
//! kbuild, which want to know before there is a module.

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
