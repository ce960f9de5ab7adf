// SPDX-License-Identifier: GPL-2.0

//! What the suites ask a kernel for, answered on the host.

mod sscanf;
mod symbols;
mod table;

pub(crate) use symbols::{
    module,
    vmlinux,
    walk_vmlinux, //
};

use core::fmt;

/// Says which case of a table failed.
pub(crate) fn report(message: fmt::Arguments<'_>) {
    eprintln!("{message}");
}

/// What `sscanf()` makes of a livepatch symbol's name is passed to `check`, if it reads it all.
pub(crate) fn scan_livepatch_symbol(
    name: &[u8],
    check: impl FnOnce(Option<(&[u8], &[u8], u64)>) -> bool,
) -> bool {
    let scanned = sscanf::livepatch_symbol(name);
    check(
        scanned
            .as_ref()
            .map(|(object, name, at)| (&object[..], &name[..], *at)),
    )
}

/// What `sscanf()` makes of a livepatch section's name is passed to `check`, if it reads it.
pub(crate) fn scan_livepatch_section(
    name: &[u8],
    check: impl FnOnce(Option<&[u8]>) -> bool,
) -> bool {
    check(sscanf::livepatch_section(name).as_deref())
}
