// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The name and the position by which a kernel finds a symbol.

use crate::target::{rule_of, Object};
use klp_policy::query::ANY;
use klp_policy::{Found, Policy, Query, SymbolName, Sympos};

/// A name and a position, as a livepatch has them for the kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KernelName {
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
) -> Option<KernelName> {
    if policy == Policy::Llvm {
        let (Query::Plain(plain) | Query::Hashed(plain, _) | Query::Any(plain)) = *query;
        let stock = object.resolve(Policy::Exact, &Query::new(plain.0), sympos);
        return Some(if stock.is_ok_and(|stock| stock.seq == found.seq) {
            let name = plain.0.to_vec();
            KernelName { name, sympos }
        } else {
            let name = query.cleaned().bytes().chain(ANY.iter().copied()).collect();
            KernelName { name, sympos }
        });
    }
    let entry = object.symbols.get(found.seq)?;
    let name: Vec<u8> = rule_of(policy, object.name)
        .clean(entry.name.0)
        .bytes()
        .collect();
    let query = Query::Plain(SymbolName(&name));
    let sympos = position_of(object, policy, &query, found.seq)?;
    Some(KernelName { name, sympos })
}

/// Returns the position of the symbol at a place of the object's table among those that `query` matches: 0 for the only
/// one, none if the symbol is not among them.
#[must_use]
pub fn position_of(
    object: &Object<'_>,
    policy: Policy,
    query: &Query<'_>,
    place: u32,
) -> Option<Sympos> {
    let (mut position, mut matches) = (None, 0_u64);
    object.candidates(policy, query, &mut |n, seq| {
        matches = matches.max(n);
        if seq == place {
            position = Some(n);
        }
    });
    let position = position?;
    Some(if matches == 1 {
        Sympos::UNIQUE
    } else {
        Sympos(position)
    })
}
