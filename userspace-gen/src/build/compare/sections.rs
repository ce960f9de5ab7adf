// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The life and the use of a section's contents in a kernel that runs.

/// Returns true if the contents of a section are freed or not used once the kernel runs.
#[must_use]
pub fn is_boot_only(section: &[u8]) -> bool {
    let names: [&[u8]; 5] = [
        b".init",
        b".exit",
        b".con_initcall",
        b".initcall",
        b".x86_cpu_dev.init",
    ];
    names.iter().any(|name| section.starts_with(name))
}

/// The beginnings of the names of sections that are not in the memory of a running kernel.
const NOT_LOADED: [&[u8]; 8] = [
    b".discard",
    b".no_trim_symbol",
    b"__tracepoint_check",
    b".modinfo",
    b".export_symbol",
    b".note",
    b".llvm",
    b".printk_index",
];

/// Returns true if a section is in the memory of a running kernel.
#[must_use]
pub fn is_loaded(section: &[u8]) -> bool {
    !NOT_LOADED.iter().any(|prefix| section.starts_with(prefix))
}

/// The beginnings of the names of sections whose variables are no ordinary ones.
const CLASSES: [&[u8]; 4] = [
    b".data..percpu",
    b".data..ro_after_init",
    b".data.rel.ro",
    b".rodata",
];

/// Returns the kind of variables in a section: read-only in one of two ways, per-cpu, or none of these. A variable of
/// the running kernel stays of its kind.
#[must_use]
pub fn class(section: &[u8]) -> Option<&'static [u8]> {
    let mut classes = CLASSES.iter().copied();
    classes.find(|class| section.starts_with(class))
}
