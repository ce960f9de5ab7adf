// SPDX-License-Identifier: GPL-2.0

//! Two small symbol tables, for want of a running kernel's.
//!
//! They have of everything what a `ThinLTO` kernel has: names that repeat, promoted and not, hashes
//! that sort otherwise than they lie, static locals, string literals, cold halves.

use super::table::Table;
use crate::policy::{
    walk_prefix,
    NameIndex,
    Symbol,
    SymbolSequence, //
};
use core::ops::ControlFlow;

const VMLINUX: &[&str] = &[
    "_stext",
    "init_once",
    "init_once.llvm.9911",
    "init_once",
    "proc_init",
    "init_once",
    "init_once.llvm.10",
    "init_once",
    "seq_show",
    "seq_show.llvm.f00",
    "seq_show.llvm.a",
    "seq_show",
    "lone.llvm.77",
    "lone.llvm.77.cold",
    "pair.llvm.3",
    "pair.llvm.2",
    "pair.llvm.1",
    "twice.llvm.1.llvm.2",
    "bpf_verifier_vlog",
    "bpf_verifier_vlog._entry",
    "bpf_verifier_vlog._entry_ptr",
    "a.b",
    "a.llvm.4.b",
    "a.b.llvm.3",
    "a.llvm.2.b.llvm.1",
    ".str.llvm.5",
    ".str.1.llvm.5",
    ".str.1.llvm.4",
    "odd.llvm.xyz",
    "odd.llvm.",
    "x.llvm.llvm.1.12",
    "__key",
    "__key.4",
    "__key",
    "_RNvNtCs1234_6kernel5print6format",
    "_end",
];

const MODULE: &[&str] = &[
    "late.llvm.9",
    "early",
    "late.llvm.8",
    "init_module",
    "early",
    "late",
    "early.llvm.1",
    "counter.0",
];

/// The names with addresses: ascending, and two symbols at one address here and there.
fn table(names: &'static [&'static str]) -> Table {
    let addresses = (0..).map(|n: u64| 0xffff_ffff_8100_0000 + (n - n / 5) * 0x10);
    Table::new(names.iter().copied().zip(addresses))
}

/// The symbols of vmlinux.
pub(crate) fn vmlinux() -> impl NameIndex {
    table(VMLINUX)
}

/// The symbols of a module.
pub(crate) fn module() -> impl SymbolSequence {
    table(MODULE)
}

/// Walks the symbols of vmlinux whose names begin with `prefix`, sorted by name.
pub(crate) fn walk_vmlinux(prefix: &[u8], visit: &mut dyn FnMut(Symbol<'_>) -> ControlFlow<()>) {
    walk_prefix(&table(VMLINUX), prefix, visit);
}
