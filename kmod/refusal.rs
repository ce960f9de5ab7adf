// SPDX-License-Identifier: GPL-2.0

//! The log's lines for a livepatch whose name is refused.

use super::policy::{
    Candidate,
    Query,
    Reason,
    Sympos, //
};
use super::tables::Object;
use core::ops::ControlFlow;
use kernel::{
    prelude::*,
    str::CStr, //
};

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
    match reason {
        Reason::NotFound => pr_err!("symbol '{}' not found in symbol table\n", name),
        Reason::Ambiguous { .. } => pr_err!(
            "unresolvable ambiguity for symbol '{}' in object '{}'\n",
            name,
            objname
        ),
        Reason::NoSuchPosition { .. } => pr_err!(
            "symbol position {} for symbol '{}' in object '{}' not found\n",
            sympos,
            name,
            objname
        ),
    }

    if let (Reason::NotFound, Some(here)) = (reason, query.of_any_build()) {
        log_another_build(object, &here);
        return;
    }
    let matches = reason.matches();
    if matches == 0 {
        return;
    }
    pr_err!("'{}' matches {} symbols of '{}':\n", name, matches, objname);
    list(object, query, matches);
}

/// Logs what there is in place of a symbol whose hash is of another build.
fn log_another_build(object: Object<'_>, here: &Query<'_>) {
    let matches = match object.resolve(here, Sympos(u64::MAX)) {
        Ok(found) => found.matches,
        Err(reason) => reason.matches(),
    };
    pr_err!(
        "the livepatch is of another build; symbols called '{}' in this '{}': {}\n",
        here.cleaned(),
        object.name(),
        matches
    );
    list(object, here, matches);
}

/// Logs the first of the `matches` symbols that a query matches.
fn list(object: Object<'_>, query: &Query<'_>, matches: u64) {
    let mut listed = 0;
    object.list(query, &mut |candidate| line(&mut listed, candidate));
    if matches > MAX_CANDIDATES {
        pr_err!("  and {} more\n", matches - MAX_CANDIDATES);
    }
}

/// Logs a candidate, unless enough are `listed`.
fn line(listed: &mut u64, candidate: Candidate<'_>) -> ControlFlow<()> {
    if *listed == MAX_CANDIDATES {
        return ControlFlow::Break(());
    }
    *listed += 1;
    pr_err!("  {}: {}\n", candidate.position, candidate.symbol.name);
    ControlFlow::Continue(())
}
