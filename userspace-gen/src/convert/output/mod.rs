// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The file of a converted livepatch.
//!
//! [`preconditions`] say which files can be changed; [`rewrite`] makes the new one, with its [`relocations`],
//! its [`symbols`], and its [`modinfo`].

mod modinfo;
pub(super) mod preconditions;
mod relocations;
pub(super) mod rewrite;
mod symbols;
