// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The names of the functions to replace. They are strings in the livepatch's data and its author's
//! own; they change only where the kernel that it is for would not understand them.

use super::by_file;
use super::nearest::Nearest;
use super::problem::{unresolved, NamedBy, Problem};
use super::spell::{spell, Spelling};
use super::written::{self, InFile};
use crate::livepatch::memory::Location;
use crate::livepatch::Patch;
use crate::target::{Object, Target};
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
    nearest: &Nearest<'_>,
    problems: &mut Vec<Problem>,
) -> OldNames {
    let mut names = OldNames::default();
    for object in patches.iter().flat_map(|p| &p.objects) {
        let objname = ObjName::new(object.name.unwrap_or(b"vmlinux"));
        let known = objname.and_then(|name| target.object(name));
        for function in &object.functions {
            let Some(old_name) = function.old_name else {
                continue;
            };
            let meant = match Meant::read(old_name, function.old_sympos, known, nearest) {
                Ok(meant) => meant,
                Err(problem) => {
                    problems.push(problem);
                    continue;
                }
            };
            let (query, sympos) = (Query::new(meant.name), meant.sympos);
            let Some(known) = known else {
                names.need_klp_sympos |= matches!(query, Query::Any(_));
                continue;
            };
            let found = match known.resolve(Policy::Llvm, &query, sympos) {
                Ok(found) => found,
                Err(reason) => {
                    let problem =
                        unresolved(NamedBy::OldName(old_name), known, &query, sympos, reason);
                    problems.push(problem.or_nearest(nearest, &query));
                    continue;
                }
            };
            if policy == Policy::Llvm {
                names.need_klp_sympos |= found.by == MatchedBy::Cleaned;
            }
            if !meant.by_file {
                // 0 and 1 mean the same where there is one.
                let same = known.resolve(policy, &query, sympos);
                if policy == Policy::Llvm || same.is_ok_and(|same| same.seq == found.seq) {
                    continue;
                }
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

/// Which function an author means.
struct Meant<'n> {
    name: &'n [u8],
    sympos: Sympos,
    /// The kernel cannot read it as it is written.
    by_file: bool,
}

impl<'n> Meant<'n> {
    fn read(
        old_name: &'n [u8],
        old_sympos: u64,
        object: Option<&Object<'_>>,
        nearest: &Nearest<'_>,
    ) -> Result<Self, Problem> {
        let problem = |why: &str| Problem::new(old_name, why);
        let written = written::old_name(old_name).map_err(|why| problem(&why))?;
        let Some(InFile { name, file }) = written else {
            return Ok(Self {
                name: old_name,
                sympos: Sympos(old_sympos),
                by_file: false,
            });
        };
        if old_sympos != 0 {
            return Err(problem(
                "expected a source file or an old_sympos, found both",
            ));
        }
        let Some(object) = object else {
            return Err(problem(
                "its module is not among the targets, give it with --module",
            ));
        };
        Ok(Self {
            name,
            sympos: by_file::position(NamedBy::OldName(old_name), object, name, file, nearest)?,
            by_file: true,
        })
    }
}
