// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The names of the functions to replace. These are the author's strings in the livepatch's data. A name is
//! changed only if the kernel would not understand it.

use super::annotation::{self, InFile};
use super::by_file;
use super::kernel_name::{spell, KernelName};
use super::nearest::Nearest;
use super::problem::{NamedBy, Problem};
use super::unresolved::unresolved;
use crate::livepatch::memory::Location;
use crate::livepatch::Patch;
use crate::printable::shown;
use crate::target::{impossible, Object, Target};
use klp_policy::{MatchedBy, ObjName, Policy, Query, Sympos};

/// The name of a function that was found.
#[derive(Clone, Debug)]
pub struct OldName {
    /// The name and the position as the author wrote them.
    pub written: String,
    /// The object that has the function.
    pub object: String,
    /// The full name of the function.
    pub full_name: String,
    /// The address; in a module, the offset in its section.
    pub address: u64,
    /// The source file, if the target tells.
    pub file: Option<String>,
    /// True if the author chose the function by a position, which holds for one build.
    pub by_position: bool,
    /// The place of the pointer to the name.
    pub at: Location,
    /// The place of the position.
    pub sympos_at: Location,
    /// The name and the position for the kernel.
    pub kernel_name: KernelName,
    /// True if these differ from what the author wrote.
    pub changes: bool,
}

/// The results for the names of all functions.
#[derive(Clone, Debug, Default)]
pub struct OldNames {
    /// The functions that were found.
    pub found: Vec<OldName>,
    /// True if some function is found only with `klp_sympos`.
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
        if let Some((name, why)) = object.name.and_then(|n| Some((n, impossible(n)?))) {
            let subject = format!("klp_object {}", shown(name));
            problems.push(Problem::of_module(subject, why));
            continue;
        }
        let objname = ObjName::new(object.name.unwrap_or(b"vmlinux"));
        let known = objname.and_then(|name| target.object(name));
        for function in &object.functions {
            let Some(old_name) = function.old_name else {
                continue;
            };
            if old_name.is_empty() {
                let subject = format!("klp_func of {}", shown(object.name.unwrap_or(b"vmlinux")));
                let why =
                    "its old_name is empty: write the name of the function to replace".to_owned();
                problems.push(Problem::of_module(subject, why));
                continue;
            }
            let not_given = || match objname {
                Some(objname) => target.not_given(objname),
                None => "klp-gen does not support the name of its module".to_owned(),
            };
            let sympos = function.old_sympos;
            let meant = match Meant::read(old_name, sympos, known, not_given, nearest) {
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
                    problems.push(nearest.complete(problem, &query));
                    continue;
                }
            };
            if policy == Policy::Llvm {
                names.need_klp_sympos |= found.by == MatchedBy::Cleaned;
            }
            // Positions 0 and 1 mean the same if there is one symbol.
            let same = known.resolve(policy, &query, sympos);
            let same = same.is_ok_and(|same| same.seq == found.seq);
            let changes = meant.by_file || policy != Policy::Llvm && !same;
            let kernel_name = if changes {
                spell(known, policy, &query, sympos, &found)
            } else {
                let name = old_name.to_vec();
                Some(KernelName { name, sympos })
            };
            if let (Some(kernel_name), Some(entry)) = (kernel_name, known.symbols.get(found.seq)) {
                names.found.push(OldName {
                    written: meant.in_words(old_name),
                    object: known.name.to_string(),
                    full_name: shown(entry.name.0),
                    address: entry.address,
                    file: known.source_file(found.seq).map(shown),
                    by_position: !meant.by_file && sympos.0 > 0,
                    at: function.at,
                    sympos_at: function.sympos_at,
                    kernel_name,
                    changes,
                });
            }
        }
    }
    names
}

/// The function that an author means.
struct Meant<'n> {
    name: &'n [u8],
    sympos: Sympos,
    /// True if the name has a source file, which the kernel cannot read.
    by_file: bool,
}

impl<'n> Meant<'n> {
    /// Returns the name and the position as they are written.
    fn in_words(&self, old_name: &[u8]) -> String {
        let written = shown(old_name);
        if self.by_file {
            written
        } else {
            format!("{written},{}", self.sympos)
        }
    }

    fn read(
        old_name: &'n [u8],
        old_sympos: u64,
        object: Option<&Object<'_>>,
        not_given: impl Fn() -> String,
        nearest: &Nearest<'_>,
    ) -> Result<Self, Problem> {
        let problem = |why: &str| Problem::new(NamedBy::OldName(old_name), why);
        let written = annotation::old_name(old_name).map_err(|why| problem(&why))?;
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
            return Err(problem(&not_given()));
        };
        Ok(Self {
            name,
            sympos: by_file::position(NamedBy::OldName(old_name), object, name, file, nearest)?,
            by_file: true,
        })
    }
}
