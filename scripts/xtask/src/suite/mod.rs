// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The tests of `cargo xtask test`, and the files that the guest needs for them.

pub mod authors;
pub mod boots;
pub mod calls;
pub mod clients;
pub mod collisions;
pub mod convert_keeps;
pub mod corpus;
pub mod expected;
pub mod guest_files;
pub mod kconfig_menu;
pub mod livepatches;
pub mod needs;
pub mod predict;
pub mod run_boots;
pub mod rust_debug_info;
pub mod show;
pub mod source_patches;
pub mod tracing_tables;
pub mod twin;
pub mod variants;
pub mod verify;
