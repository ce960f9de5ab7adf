// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The targets: one file for each reader of foreign bytes.

#![expect(
    clippy::missing_panics_doc,
    reason = "to panic is how a target says that an answer is wrong"
)]

pub mod edited;
pub mod kallsyms;
pub mod linked;
pub mod livepatch;
pub mod module;
pub mod names;
pub mod symvers;
pub mod vmlinux;

/// A target, to be called with any bytes.
pub type Run = fn(&[u8]);

/// All of them, under the names that libFuzzer and the corpora have.
pub const ALL: [(&str, Run); 8] = [
    ("edited", edited::run),
    ("kallsyms", kallsyms::run),
    ("linked", linked::run),
    ("livepatch", livepatch::run),
    ("module", module::run),
    ("names", names::run),
    ("symvers", symvers::run),
    ("vmlinux", vmlinux::run),
];
