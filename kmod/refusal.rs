// SPDX-License-Identifier: GPL-2.0

//! What the log says when a livepatch is refused.

use super::policy::{Query, Reason, Sympos};
use super::tables::Object;
use core::ops::ControlFlow;
use kernel::{prelude::*, str::CStr};

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

    let matches = reason.matches();
    if matches == 0 {
        return;
    }
    pr_err!("'{}' matches {} symbols of '{}':\n", name, matches, objname);
    object.list(query, &mut |candidate| {
        if candidate.position > MAX_CANDIDATES {
            return ControlFlow::Break(());
        }
        pr_err!("  {}: {}\n", candidate.position, candidate.symbol.name);
        ControlFlow::Continue(())
    });
    if matches > MAX_CANDIDATES {
        pr_err!("  and {} more\n", matches - MAX_CANDIDATES);
    }
}
