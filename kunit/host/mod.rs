// SPDX-License-Identifier: GPL-2.0

//! Answers on the host for the suites, which ask a kernel.

mod sscanf;
mod symbols;
mod table;

pub(crate) use symbols::{
    module,
    vmlinux,
    walk_vmlinux, //
};

use core::fmt;
use klp_policy::TooLarge;

/// Says which case of a table failed.
pub(crate) fn report(message: fmt::Arguments<'_>) {
    eprintln!("{message}");
}

/// Passes the fields that `sscanf()` reads from a livepatch symbol's name to `check`, if it reads all of them.
pub(crate) fn scan_livepatch_symbol(
    name: &[u8],
    check: impl FnOnce(Option<(&[u8], &[u8], u64)>) -> bool,
) -> bool {
    let scanned = sscanf::livepatch_symbol(name, TooLarge::Saturates);
    check(
        scanned
            .as_ref()
            .map(|(object, name, at)| (&object[..], &name[..], *at)),
    )
}

/// Passes the fields that `sscanf()` reads from a livepatch section's name to `check`, if it reads them.
pub(crate) fn scan_livepatch_section(
    name: &[u8],
    check: impl FnOnce(Option<&[u8]>) -> bool,
) -> bool {
    check(sscanf::livepatch_section(name).as_deref())
}
