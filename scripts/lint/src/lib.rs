// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Checks of the repository that rustc and clippy do not make.
//!
//! [`imports`] finds import circles, and arrows against the layers; [`doc_comments`] looks at the first words of
//! doc comments; [`documents`] at the paths and commands that the documents name.

pub mod doc_comments;
pub mod documents;
mod files;
pub mod imports;
