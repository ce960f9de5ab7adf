// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Resolves a request to a symbol, or to the reason why there is none.

use crate::symbols::Entry;
use crate::target::{Object, Target};
use klp_policy::{
    Asker, Found, MatchedBy, ObjName, Policy, Query, Reason, Request, SymbolName, Sympos,
};

/// The answer to a request.
#[derive(Clone, Debug)]
pub enum Answer<'t> {
    /// The request means this symbol.
    Resolved {
        /// The way in which it was found.
        found: Found,
        /// The object that has it.
        object: ObjName<'t>,
        /// The symbol.
        entry: Entry<'t>,
        /// Its source file, if the target tells.
        file: Option<&'t [u8]>,
    },
    /// The request means no symbol, or more than one.
    Refused {
        /// The reason.
        reason: Reason,
        /// The symbols that the name matches. If there are none, the symbols that it would match with the
        /// hash of this build.
        candidates: Vec<Candidate<'t>>,
    },
    /// The object is not among the targets.
    NoObject,
}

/// A symbol that a name matches.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'t> {
    /// Its position, counted from 1.
    pub position: u64,
    /// The object that has it.
    pub object: ObjName<'t>,
    /// The symbol.
    pub entry: Entry<'t>,
    /// Its source file, if the target tells.
    pub file: Option<&'t [u8]>,
    /// Its place in the object's table.
    seq: u32,
}

impl Answer<'_> {
    /// Returns the answer in one word.
    #[must_use]
    pub fn status(&self) -> &'static str {
        match self {
            Self::Resolved { .. } => "resolved",
            Self::Refused { reason, .. } => reason.as_str(),
            Self::NoObject => Reason::NotFound.as_str(),
        }
    }
}

/// Answers a request as a kernel that follows `policy` answers a livepatch.
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
            list(object, policy, Usable::Any, &listed, &mut candidates);
            Answer::Refused { reason, candidates }
        }
    }
}

/// The symbols that a tracer can use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Usable {
    /// Any symbol, as for `kallsyms_lookup_name()`.
    #[default]
    Any,
    /// Functions, as for kprobes: `kernel_text_address()`.
    Functions,
}

impl Usable {
    fn is(self, entry: &Entry<'_>) -> bool {
        match self {
            Self::Any => true,
            // A weak variable has another letter.
            Self::Functions => matches!(entry.letter.to_ascii_lowercase(), b't' | b'w'),
        }
    }
}

/// Answers a request as a kernel that follows `policy` answers a tracer, which has no positions.
///
/// A request without an object means the only usable symbol of that name in vmlinux and all modules, as for
/// a kprobe event. A request with `vmlinux:` means a symbol of vmlinux only, as for BTF of vmlinux. Cleaned
/// names count if no usable symbol has exactly the name.
#[must_use]
pub fn trace<'t>(
    target: &'t Target<'_>,
    policy: Policy,
    usable: Usable,
    request: &Request<'_>,
) -> Answer<'t> {
    let objects = target.objects().iter();
    let objects: Vec<_> = objects
        .filter(|object| !request.has_objname || object.name == request.objname)
        .collect();
    if objects.is_empty() {
        return Answer::NoObject;
    }
    let query = Query::asked_by(Asker::Tracer, request.name.0);
    let clean: Vec<u8> = query.cleaned().bytes().collect();
    for by in [MatchedBy::Exact, MatchedBy::Cleaned] {
        let (mut only, mut candidates) = (None, Vec::new());
        for &object in &objects {
            let found = object.resolve(policy, &query, Sympos(1));
            let wanted = match (by, found) {
                (_, Ok(found)) if found.by == by => query,
                // Symbols with the exact name are not usable: the first round found nothing.
                (MatchedBy::Cleaned, Ok(_)) => Query::Any(SymbolName(&clean)),
                _ => continue,
            };
            let before = candidates.len();
            list(object, policy, usable, &wanted, &mut candidates);
            if candidates.len() > before {
                only = Some(object);
            }
        }
        let matches = candidates.len() as u64;
        match (only, &candidates[..]) {
            (Some(object), [candidate]) => {
                let found = Found {
                    address: candidate.entry.address,
                    seq: candidate.seq,
                    position: 1,
                    matches,
                    by,
                };
                return resolved(object, found);
            }
            (Some(_), _) => {
                let reason = Reason::Ambiguous { matches };
                return Answer::Refused { reason, candidates };
            }
            (None, _) => {}
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

/// Appends the usable symbols that `query` matches in `object`. Positions go on after those of the list.
fn list<'t>(
    object: &'t Object<'_>,
    policy: Policy,
    usable: Usable,
    query: &Query<'_>,
    candidates: &mut Vec<Candidate<'t>>,
) {
    object.candidates(policy, query, &mut |_, seq| {
        let entry = object.symbols.get(seq).filter(|entry| usable.is(entry));
        if let Some(&entry) = entry {
            candidates.push(Candidate {
                position: candidates.len() as u64 + 1,
                object: object.name,
                entry,
                file: object.source_file(seq),
                seq,
            });
        }
    });
}
