// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Holds the predictions of `klp-gen check` to a kernel's verdict.

pub mod in_tree;
pub mod init_symbols;
pub mod random;
pub mod refusals;
