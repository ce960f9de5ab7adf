// SPDX-License-Identifier: GPL-2.0

//! The log's lines for a livepatch whose name is refused.

use super::policy::{
    Candidate,
    Query,
    Reason,
    SymbolName,
    Sympos, //
};
use super::tables::Object;
use core::{
    ffi::CStr,
    fmt,
    ops::ControlFlow, //
};
use kernel::prelude::*;

/// Candidates that are named.
const MAX_CANDIDATES: u64 = 8;

/// Logs what the livepatch core would, and then what there is to choose from.
pub(crate) fn log(
    object: Object<'_>,
    name: &CStr,
    query: &Query<'_>,
    sympos: Sympos,
    reason: Reason,
) {
    let objname = object.name();
    let name = SymbolName(name.to_bytes());
    match reason {
        Reason::NotFound => error(format_args!("symbol '{name}' not found in symbol table")),
        Reason::Ambiguous { .. } => error(format_args!(
            "unresolvable ambiguity for symbol '{name}' in object '{objname}'"
        )),
        Reason::NoSuchPosition { .. } => error(format_args!(
            "symbol position {sympos} for symbol '{name}' in object '{objname}' not found"
        )),
    }

    if let (Reason::NotFound, Some(here)) = (reason, query.of_any_build()) {
        log_another_build(object, &here);
        return;
    }
    let matches = reason.matches();
    if matches == 0 {
        return;
    }
    error(format_args!(
        "'{name}' matches {matches} symbols of '{objname}':"
    ));
    list(object, query, matches);
}

/// Logs what there is in place of a symbol whose hash is of another build.
fn log_another_build(object: Object<'_>, here: &Query<'_>) {
    let matches = match object.resolve(here, Sympos(u64::MAX)) {
        Ok(found) => found.matches,
        Err(reason) => reason.matches(),
    };
    error(format_args!(
        "the livepatch is of another build; symbols called '{}' in this '{}': {matches}",
        here.cleaned(),
        object.name()
    ));
    list(object, here, matches);
}

/// Logs the first of the `matches` symbols that a query matches.
fn list(object: Object<'_>, query: &Query<'_>, matches: u64) {
    let mut listed = 0;
    object.list(query, &mut |candidate| line(&mut listed, candidate));
    if matches > MAX_CANDIDATES {
        error(format_args!("  and {} more", matches - MAX_CANDIDATES));
    }
}

/// Logs a candidate, unless enough are `listed`.
fn line(listed: &mut u64, candidate: Candidate<'_>) -> ControlFlow<()> {
    if *listed == MAX_CANDIDATES {
        return ControlFlow::Break(());
    }
    *listed += 1;
    error(format_args!(
        "  {}: {}",
        candidate.position, candidate.symbol.name
    ));
    ControlFlow::Continue(())
}

/// Logs a line. On 7.3 `pr_err!` formats by a trait of the kernel's own, which the rule's types do
/// not have.
fn error(line: fmt::Arguments<'_>) {
    pr_err!("{}\n", line);
}
