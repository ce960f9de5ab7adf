// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The names of the functions to replace. They are strings in the livepatch's data and its author's
//! own; they change only where the kernel that it is for would not understand them.

use super::problem::{unresolved, Problem};
use super::spell::{spell, Spelling};
use crate::livepatch::memory::Location;
use crate::livepatch::Patch;
use crate::target::Target;
use klp_policy::{MatchedBy, ObjName, Policy, Query, Sympos};

/// A function name that has to be spelled in another way.
#[derive(Clone, Debug)]
pub struct OldName {
    /// Where the pointer to it is.
    pub at: Location,
    /// Where its position is.
    pub sympos_at: Location,
    /// What to write there.
    pub spelling: Spelling,
}

/// What the names of all functions come to.
#[derive(Clone, Debug, Default)]
pub struct OldNames {
    /// Those that change.
    pub changed: Vec<OldName>,
    /// Whether one of them is only found with `klp_sympos`.
    pub need_klp_sympos: bool,
}

/// Looks up the functions to replace, as far as their objects are known.
pub(super) fn plan(
    target: &Target<'_>,
    policy: Policy,
    patches: &[Patch<'_>],
    problems: &mut Vec<Problem>,
) -> OldNames {
    let mut names = OldNames::default();
    for object in patches.iter().flat_map(|p| &p.objects) {
        let objname = ObjName::new(object.name.unwrap_or(b"vmlinux"));
        let known = objname.and_then(|name| target.object(name));
        for function in &object.functions {
            let Some(name) = function.old_name else {
                continue;
            };
            let query = Query::new(name);
            let sympos = Sympos(function.old_sympos);
            let Some(known) = known else {
                names.need_klp_sympos |= matches!(query, Query::Any(_));
                continue;
            };
            let found = match known.resolve(Policy::Llvm, &query, sympos) {
                Ok(found) => found,
                Err(reason) => {
                    problems.push(unresolved(name, known, &query, sympos, reason));
                    continue;
                }
            };
            if policy == Policy::Llvm {
                names.need_klp_sympos |= found.by == MatchedBy::Cleaned;
                continue;
            }
            // 0 and 1 mean the same where there is one.
            let same = known.resolve(policy, &query, sympos);
            if same.is_ok_and(|same| same.seq == found.seq) {
                continue;
            }
            if let Some(spelling) = spell(known, policy, &query, sympos, &found) {
                names.changed.push(OldName {
                    at: function.at,
                    sympos_at: function.sympos_at,
                    spelling,
                });
            }
        }
    }
    names
}
