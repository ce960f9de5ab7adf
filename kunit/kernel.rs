// SPDX-License-Identifier: GPL-2.0

//! What the suites ask a kernel for, answered by the one that runs them.

use crate::policy::{
    walk_prefix,
    NameIndex,
    Symbol,
    SymbolSequence,
    KSYM_NAME_LEN,
    MODULE_NAME_LEN, //
};
use crate::tables::{
    ModuleSymbols,
    Vmlinux, //
};
use core::{
    ffi::CStr,
    fmt,
    ops::ControlFlow, //
};
use kernel::{
    bindings,
    kallsyms::Modules,
    prelude::*, //
};

/// Says which case of a table failed.
pub(crate) fn report(message: fmt::Arguments<'_>) {
    pr_err!("{}\n", message);
}

/// The symbols of vmlinux.
pub(crate) fn vmlinux() -> impl NameIndex {
    Vmlinux
}

/// The symbols of a module: this one.
pub(crate) fn module() -> impl SymbolSequence {
    ModuleSymbols(Modules::One(c"klp_sympos_kunit"))
}

/// Walks the symbols of vmlinux whose names begin with `prefix`, sorted by name.
pub(crate) fn walk_vmlinux(prefix: &[u8], visit: &mut dyn FnMut(Symbol<'_>) -> ControlFlow<()>) {
    walk_prefix(&Vmlinux, prefix, visit);
}

/// What `sscanf()` makes of a livepatch symbol's name is passed to `check`, if it reads it all.
pub(crate) fn scan_livepatch_symbol(
    name: &[u8],
    check: impl FnOnce(Option<(&[u8], &[u8], u64)>) -> bool,
) -> bool {
    let mut object = [0; MODULE_NAME_LEN];
    let mut symbol = [0; KSYM_NAME_LEN];
    let mut sympos: core::ffi::c_ulong = 0;
    let mut read = 0;
    with_c_string(name, |name| {
        // SAFETY: The format is that of `klp_resolve_symbols()`: 55 and 511 bytes with their NUL
        // fit into the buffers, and `%lu` stores an unsigned long.
        read = unsafe {
            bindings::sscanf(
                name.as_ptr().cast(),
                c".klp.sym.%55[^.].%511[^,],%lu".as_ptr().cast(),
                object.as_mut_ptr(),
                symbol.as_mut_ptr(),
                &mut sympos,
            )
        };
    });
    let parts = (until_nul(&object), until_nul(&symbol), sympos as u64);
    check((read == 3).then_some(parts))
}

/// What `sscanf()` makes of a livepatch section's name is passed to `check`, if it reads it.
pub(crate) fn scan_livepatch_section(
    name: &[u8],
    check: impl FnOnce(Option<&[u8]>) -> bool,
) -> bool {
    let mut object = [0; MODULE_NAME_LEN];
    let mut read = 0;
    with_c_string(name, |name| {
        // SAFETY: The format is that of `klp_write_section_relocs()`: 55 bytes with their NUL fit
        // into the buffer.
        read = unsafe {
            bindings::sscanf(
                name.as_ptr().cast(),
                c".klp.rela.%55[^.]".as_ptr().cast(),
                object.as_mut_ptr(),
            )
        };
    });
    check((read == 1).then_some(until_nul(&object)))
}

fn until_nul(bytes: &[u8]) -> &[u8] {
    bytes.split(|&b| b == 0).next().unwrap_or_default()
}

/// Passes `bytes` to `ask` as a C string. They must have no NUL, and fit into a livepatch symbol.
fn with_c_string(bytes: &[u8], ask: impl FnOnce(&CStr)) {
    let mut buf = [0; KSYM_NAME_LEN + MODULE_NAME_LEN + 32];
    buf[..bytes.len()].copy_from_slice(bytes);
    let string = CStr::from_bytes_with_nul(&buf[..=bytes.len()]);
    if let Ok(string) = string {
        ask(string);
    }
}
