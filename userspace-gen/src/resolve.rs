// SPDX-License-Identifier: GPL-2.0 OR MIT

//! From a request to a symbol, or to why there is none.

use crate::symbols::Entry;
use crate::target::Target;
use klp_policy::{Found, Policy, Query, Reason, Request};

/// What came of a request.
#[derive(Clone, Debug)]
pub enum Answer<'t> {
    /// It means this symbol.
    Resolved {
        /// How it was found.
        found: Found,
        /// The symbol.
        entry: Entry<'t>,
    },
    /// It means none.
    Refused {
        /// Why.
        reason: Reason,
        /// The symbols that the name matches.
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
    /// The symbol.
    pub entry: Entry<'t>,
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

/// Answers a request as a kernel does that follows `policy`.
#[must_use]
pub fn resolve<'t>(target: &'t Target<'_>, policy: Policy, request: &Request<'_>) -> Answer<'t> {
    let Some(object) = target.object(request.objname) else {
        return Answer::NoObject;
    };
    let query = Query::new(request.name.0);
    match object.resolve(policy, &query, request.sympos) {
        Ok(found) => match object.symbols.get(found.seq) {
            Some(&entry) => Answer::Resolved { found, entry },
            None => Answer::NoObject,
        },
        Err(reason) => {
            let mut candidates = Vec::new();
            object.candidates(policy, &query, &mut |position, seq| {
                if let Some(&entry) = object.symbols.get(seq) {
                    candidates.push(Candidate { position, entry });
                }
            });
            Answer::Refused { reason, candidates }
        }
    }
}
