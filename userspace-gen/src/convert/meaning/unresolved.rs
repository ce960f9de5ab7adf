// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The problem of a reference that means no symbol, or more than one.

use super::problem::{NamedBy, Problem};
use super::{by_file, candidates};
use crate::printable::shown;
use crate::target::Object;
use klp_policy::{Query, Reason, Sympos};

/// Returns the problem of a reference, with the symbols that it could mean.
pub(super) fn unresolved(
    named_by: NamedBy<'_>,
    object: &Object<'_>,
    query: &Query<'_>,
    sympos: Sympos,
    reason: Reason,
) -> Problem {
    let objname = object.name;
    if let (Reason::NotFound, Some(here)) = (reason, query.of_any_build()) {
        let why = format!(
            "the hash is of another build: {objname} has no symbol of that name. Write it without \
             the suffix: {}",
            query.cleaned()
        );
        return Problem::new(named_by, why).with(candidates::briefly(object, &here));
    }
    // The name counts as `query` counts: not only exact names, if `query` matches others, too.
    let name = match query.exact() {
        Some(name) => shown(name.0),
        None => format!("{}.llvm.*", query.cleaned()),
    };
    let problem = Problem::new(
        named_by,
        match reason {
            Reason::NotFound => format!("{objname} has no symbol of that name"),
            Reason::Ambiguous { matches } => format!(
                "{objname} has {matches} symbols of that name: choose one by {}",
                say_which(named_by, object, query, &name)
            ),
            Reason::NoSuchPosition { matches } => {
                format!("position {sympos}, but {objname} has {matches} symbols of that name")
            }
        },
    );
    problem.with(candidates::briefly(object, query))
}

/// Returns the text by which the author chooses one of several symbols; `name` counts as `query` counts.
///
/// The text prefers a source file, which means the same symbol in the next build. A position may mean
/// another one.
fn say_which(named_by: NamedBy<'_>, object: &Object<'_>, query: &Query<'_>, name: &str) -> String {
    let by_position = named_by.by_position(object, name);
    let by_file = named_by.by_file(object, &shown(query.cleaned().to_string().as_bytes()));
    match candidates::told_by_file(object, query) {
        candidates::Told::All => by_file,
        candidates::Told::Some => {
            format!("{by_file}, or for those without a file by {by_position}")
        }
        candidates::Told::None if object.lacks_link_order() => format!(
            "{by_position}. To choose by source file, which is safer, give {}, with --link-order",
            by_file::link_order(object)
        ),
        candidates::Told::None => by_position,
    }
}
