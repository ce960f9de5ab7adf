// SPDX-License-Identifier: GPL-2.0

//! The door of kallsyms and, behind it, of the tracers.

use super::policy::{
    self,
    Asker,
    Query,
    MODULE_NAME_LEN, //
};
use super::refusal;
use super::tables::{
    ModuleSymbolsAtomic,
    Vmlinux, //
};
use kernel::{
    kallsyms::{
        Fallback,
        Matches,
        Modules, //
    },
    str::CStr, //
};

/// Finds a symbol by its cleaned name for whoever found nothing by its exact name.
pub(crate) struct Tracers;

impl Fallback for Tracers {
    fn matches(modname: Option<&CStr>, name: &CStr) -> Matches {
        with_scope(modname, name, count).unwrap_or(Matches::Count(0))
    }

    fn log_ambiguous(modname: Option<&CStr>, name: &CStr) {
        with_scope(modname, name, |modname, name| {
            refusal::log_ambiguous(modname, &Query::asked_by(Asker::Tracer, name), name);
        });
    }
}

/// Takes `module:name` apart, as `__module_kallsyms_lookup_name()` does.
fn with_scope<R>(
    modname: Option<&CStr>,
    name: &CStr,
    then: impl FnOnce(Option<&CStr>, &[u8]) -> R,
) -> Option<R> {
    let name = name.as_bytes();
    let colon = name.iter().take(MODULE_NAME_LEN).position(|&b| b == b':');
    let (None, Some(colon)) = (modname, colon) else {
        return Some(then(modname, name));
    };
    let mut modname = [0; MODULE_NAME_LEN];
    modname[..colon].copy_from_slice(&name[..colon]);
    let modname = CStr::from_bytes_with_nul(&modname[..=colon]).ok()?;
    Some(then(Some(modname), &name[colon + 1..]))
}

/// Counts what `name` may stand for: in one module, or in vmlinux and all modules.
fn count(modname: Option<&CStr>, name: &[u8]) -> Matches {
    let mut fallback = policy::Fallback::new(name);
    let modules = match modname {
        Some(modname) => Modules::One(modname),
        None => {
            fallback.count_in_index(&Vmlinux);
            Modules::All
        }
    };
    fallback.count_in_sequence(&ModuleSymbolsAtomic(modules));
    match fallback.only() {
        Some(address) => Matches::One(address as usize),
        None => Matches::Count(fallback.matches().try_into().unwrap_or(u32::MAX)),
    }
}
