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
use core::sync::atomic::{
    AtomicBool,
    Ordering, //
};
use kernel::{
    livepatch::Resolver,
    module_ref::ModuleRef,
    prelude::*,
    str::CStr, //
};

/// Resolves the symbols of livepatches.
///
/// What the stock kernel resolves gets the same answer: exact names win, and count alike.
pub(crate) struct Livepatch;

impl Resolver for Livepatch {
    fn find_object_symbol(objname: Option<&CStr>, name: &CStr, sympos: usize) -> Result<usize> {
        let query = Query::new(name.as_bytes());
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
            Ok(found) => {
                if found.by == MatchedBy::Cleaned {
                    pin(name)?;
                }
                Ok(found.address as usize)
            }
            Err(reason) => {
                refusal::log(object, name, &query, sympos, reason);
                Err(EINVAL)
            }
        }
    }
}

/// Keeps this module loaded for good.
///
/// The livepatch core looks names up again: for a target module that comes later, and for a
/// cumulative livepatch. Once a livepatch is built on an answer that the stock kernel would not
/// give, that answer has to stay available.
fn pin(name: &CStr) -> Result {
    static PINNED: AtomicBool = AtomicBool::new(false);

    // Held before the flag says so, in case another CPU relies on it.
    if PINNED.load(Ordering::Acquire) {
        return Ok(());
    }
    let Some(reference) = ModuleRef::try_get(&crate::THIS_MODULE) else {
        pr_err!("symbol '{}' refused: klp_sympos is being removed\n", name);
        return Err(EINVAL);
    };
    if !PINNED.swap(true, Ordering::AcqRel) {
        // Never given back.
        core::mem::forget(reference);
    }
    Ok(())
}
