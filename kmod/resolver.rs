// SPDX-License-Identifier: GPL-2.0

//! The door of livepatch.

use super::policy::{
    MatchedBy,
    Query,
    Reason,
    Sympos, //
};
use super::refusal;
use super::tables::Object;
use core::ffi::CStr;
use kernel::{
    livepatch::{
        Found,
        Resolver, //
    },
    prelude::*, //
};

/// Resolves the symbols of livepatches.
///
/// What the stock kernel resolves gets the same answer: exact names win, and count alike. A
/// livepatch that gets another answer keeps this module: the core asks again when the module comes
/// that is to be patched.
pub(crate) struct Livepatch;

impl Resolver for Livepatch {
    fn find_object_symbol(objname: Option<&CStr>, name: &CStr, sympos: usize) -> Result<Found> {
        let query = Query::new(name.to_bytes());
        let sympos = Sympos(sympos as u64);
        let object = objname.map_or(Object::Vmlinux, Object::Module);
        // The livepatch core takes address 0 for "not found".
        let answer = object
            .resolve(&query, sympos)
            .and_then(|found| match found.address {
                0 => Err(Reason::NotFound),
                _ => Ok(found),
            });
        match answer {
            Ok(found) => Ok(Found {
                address: found.address as usize,
                by_core: found.by == MatchedBy::Exact,
            }),
            Err(reason) => {
                refusal::log(object, name, &query, sympos, reason);
                Err(EINVAL)
            }
        }
    }
}
