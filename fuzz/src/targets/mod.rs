// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The targets: one file for each parser.

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

/// A target, which takes any bytes.
pub type Run = fn(&[u8]);

/// All targets, with their names for libFuzzer and the corpora.
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
