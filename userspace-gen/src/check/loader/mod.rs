// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The messages of the module loader: kernel/module/ and arch/*/kernel/module.c.
//!
//! The loader does these steps, one file each:
//!
//! 1. It reads the [`header`] of the file, and compares the [`module`] with the kernel.
//! 2. It reserves memory for the sections ([`layout`]), and copies the [`names`] of sections and symbols.
//! 3. It checks the module's [`own_exports`] and the [`namespace`]s that it imports, resolves imported symbols
//!    ([`imports`]), and applies relocations, which write [`values`].
//! 4. It rewrites the code at the listed [`sites`], and sets the [`parameters`].
//! 5. It calls the init and exit functions, the module's [`entries`].

mod distances;
mod entries;
pub(super) mod header;
mod imports;
mod layout;
mod module;
mod names;
mod namespace;
mod own_exports;
mod parameters;
mod sites;
pub(super) mod types;
pub(super) mod values;
