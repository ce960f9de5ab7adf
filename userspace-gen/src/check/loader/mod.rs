// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The messages of the module loader: kernel/module/ and arch/*/kernel/module.c.
//!
//! It reads the [`header`] of the file, compares the [`module`] with the kernel, gives its sections memory
//! ([`layout`]), copies their [`names`] and those of symbols, resolves what is imported ([`imports`]), and
//! writes [`values`] where relocations are. Then the kernel rewrites the code at the places that are
//! listed as [`sites`], and sets the [`parameters`]. The functions that it calls are the module's [`entries`].

mod distances;
mod entries;
pub(super) mod header;
mod imports;
mod layout;
mod module;
mod names;
mod parameters;
mod sites;
pub(super) mod types;
pub(super) mod values;
