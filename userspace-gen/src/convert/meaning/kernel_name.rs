// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The name and the position by which a kernel finds a symbol.

use crate::target::{rule_of, Object};
use klp_policy::query::ANY;
use klp_policy::{Found, Policy, Query, SymbolName, Sympos};

/// A name and a position, as a livepatch has them for the kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spelling {
    /// The name.
    pub name: Vec<u8>,
    /// The position.
    pub sympos: Sympos,
}

/// Returns the name and the position by which a kernel that follows `policy` finds the symbol that `query`
/// at `sympos` found in `object`.
///
/// For `klp_sympos` that is the plain name if a stock kernel finds the same symbol by it, and `<name>.llvm.*`
/// otherwise. For other kernels it is the symbol's full name, cut as these kernels cut it.
#[must_use]
pub fn spell(
    object: &Object<'_>,
    policy: Policy,
    query: &Query<'_>,
    sympos: Sympos,
    found: &Found,
) -> Option<Spelling> {
    if policy == Policy::Llvm {
        let (Query::Plain(plain) | Query::Hashed(plain, _) | Query::Any(plain)) = *query;
        let stock = object.resolve(Policy::Exact, &Query::new(plain.0), sympos);
        return Some(if stock.is_ok_and(|stock| stock.seq == found.seq) {
            let name = plain.0.to_vec();
            Spelling { name, sympos }
        } else {
            let name = query.cleaned().bytes().chain(ANY.iter().copied()).collect();
            Spelling { name, sympos }
        });
    }
    let entry = object.symbols.get(found.seq)?;
    let name: Vec<u8> = rule_of(policy, object.name)
        .clean(entry.name.0)
        .bytes()
        .collect();
    let query = Query::Plain(SymbolName(&name));
    let mut matches = 0;
    let mut position = None;
    object.candidates(policy, &query, &mut |n, seq| {
        matches = matches.max(n);
        if seq == found.seq {
            position = Some(n);
        }
    });
    let sympos = match position? {
        1 if matches == 1 => Sympos::UNIQUE,
        n => Sympos(n),
    };
    Some(Spelling { name, sympos })
}
