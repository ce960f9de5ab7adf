// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The messages of the livepatch core: kernel/livepatch/core.c.
//!
//! The livepatch core checks the [`module`], looks up symbols ([`find_symbol`]) for the [`relocations`] of
//! livepatch [`symbols`] and for the [`functions`] to be replaced, and compares the livepatch with those that
//! are [`installed`].

pub(super) mod find_symbol;
pub(super) mod functions;
pub(super) mod installed;
mod module;
mod relocations;
mod symbols;
