// SPDX-License-Identifier: GPL-2.0 OR MIT

//! From a request to a symbol, or to why there is none.

use crate::symbols::Entry;
use crate::target::{Object, Target};
use klp_policy::{Asker, Found, MatchedBy, ObjName, Policy, Query, Reason, Request, Sympos};

/// What came of a request.
#[derive(Clone, Debug)]
pub enum Answer<'t> {
    /// It means this symbol.
    Resolved {
        /// How it was found.
        found: Found,
        /// The object that has it.
        object: ObjName<'t>,
        /// The symbol.
        entry: Entry<'t>,
        /// The source file that it is from, if the target tells.
        file: Option<&'t [u8]>,
    },
    /// It means none.
    Refused {
        /// Why.
        reason: Reason,
        /// The symbols that the name matches. If it is not found, those that it would match with
        /// the hash of this build.
        candidates: Vec<Candidate<'t>>,
    },
    /// The object is not among the targets.
    NoObject,
}

/// One of the symbols that a name matches.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'t> {
    /// Its position, counted from 1.
    pub position: u64,
    /// The object that has it.
    pub object: ObjName<'t>,
    /// The symbol.
    pub entry: Entry<'t>,
    /// The source file that it is from, if the target tells.
    pub file: Option<&'t [u8]>,
}

impl Answer<'_> {
    /// The answer in one word.
    #[must_use]
    pub fn status(&self) -> &'static str {
        match self {
            Self::Resolved { .. } => "resolved",
            Self::Refused { reason, .. } => reason.as_str(),
            Self::NoObject => Reason::NotFound.as_str(),
        }
    }
}

/// Answers a livepatch's request as a kernel does that follows `policy`.
#[must_use]
pub fn resolve<'t>(target: &'t Target<'_>, policy: Policy, request: &Request<'_>) -> Answer<'t> {
    let Some(object) = target.object(request.objname) else {
        return Answer::NoObject;
    };
    let query = Query::new(request.name.0);
    match object.resolve(policy, &query, request.sympos) {
        Ok(found) => resolved(object, found),
        Err(reason) => {
            let here = query.of_any_build();
            let listed = here.filter(|_| reason == Reason::NotFound).unwrap_or(query);
            let mut candidates = Vec::new();
            list(object, policy, &listed, &mut candidates);
            Answer::Refused { reason, candidates }
        }
    }
}

/// Answers a tracer, which has no positions, as a kernel does that follows `policy`.
///
/// Without an object, it means the only symbol of that name in vmlinux and all modules, as the
/// event of a kprobe does; in vmlinux alone, as what its BTF describes, if that is written. Cleaned
/// names count where none of them has an exact one.
#[must_use]
pub fn trace<'t>(target: &'t Target<'_>, policy: Policy, request: &Request<'_>) -> Answer<'t> {
    let objects = target.objects().iter();
    let objects: Vec<_> = objects
        .filter(|object| !request.has_objname || object.name == request.objname)
        .collect();
    if objects.is_empty() {
        return Answer::NoObject;
    }
    let query = Query::asked_by(Asker::Tracer, request.name.0);
    for by in [MatchedBy::Exact, MatchedBy::Cleaned] {
        let (mut only, mut candidates) = (None, Vec::new());
        for &object in &objects {
            match object.resolve(policy, &query, Sympos(1)) {
                Ok(found) if found.by == by => {
                    only = Some((object, found));
                    list(object, policy, &query, &mut candidates);
                }
                _ => {}
            }
        }
        let matches = candidates.len() as u64;
        match only {
            Some((object, found)) if matches == 1 => return resolved(object, found),
            Some(_) => {
                let reason = Reason::Ambiguous { matches };
                return Answer::Refused { reason, candidates };
            }
            None => {}
        }
    }
    Answer::Refused {
        reason: Reason::NotFound,
        candidates: Vec::new(),
    }
}

fn resolved<'t>(object: &'t Object<'_>, found: Found) -> Answer<'t> {
    match object.symbols.get(found.seq) {
        Some(&entry) => Answer::Resolved {
            found,
            object: object.name,
            entry,
            file: object.source_file(found.seq),
        },
        None => Answer::NoObject,
    }
}

/// Adds what `query` matches in `object`, counted behind what is listed already.
fn list<'t>(
    object: &'t Object<'_>,
    policy: Policy,
    query: &Query<'_>,
    candidates: &mut Vec<Candidate<'t>>,
) {
    let listed = candidates.len() as u64;
    object.candidates(policy, query, &mut |position, seq| {
        if let Some(&entry) = object.symbols.get(seq) {
            candidates.push(Candidate {
                position: listed + position,
                object: object.name,
                entry,
                file: object.source_file(seq),
            });
        }
    });
}
