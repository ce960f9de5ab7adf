// SPDX-License-Identifier: GPL-2.0

//! The door of kallsyms and, behind it, of the tracers.

use super::policy::{cleaned_in_index, cleaned_in_sequence, Query, Sympos, Tally, MODULE_NAME_LEN};
use super::tables::{ModuleSymbolsAtomic, Vmlinux};
use kernel::{
    kallsyms::{Fallback, Matches, Modules},
    str::CStr,
};

/// Finds a symbol by its cleaned name for whoever found none by its exact name.
pub(crate) struct Tracers;

impl Fallback for Tracers {
    fn matches(modname: Option<&CStr>, name: &CStr) -> Matches {
        let name = name.as_bytes();
        if let Some(modname) = modname {
            return count(Some(modname), name);
        }
        // As `__module_kallsyms_lookup_name()` takes a name apart.
        let Some(colon) = name.iter().take(MODULE_NAME_LEN).position(|&b| b == b':') else {
            return count(None, name);
        };
        let mut modname = [0; MODULE_NAME_LEN];
        modname[..colon].copy_from_slice(&name[..colon]);
        match CStr::from_bytes_with_nul(&modname[..=colon]) {
            Ok(modname) => count(Some(modname), &name[colon + 1..]),
            Err(_) => Matches::Count(0),
        }
    }
}

/// Counts the symbols with the cleaned name `name`: of one module, or of vmlinux and all modules.
fn count(modname: Option<&CStr>, name: &[u8]) -> Matches {
    let query = Query::new(name);
    let mut tally = Tally::new(Sympos::UNIQUE);
    let modules = match modname {
        Some(modname) => Modules::One(modname),
        None => {
            cleaned_in_index(&Vmlinux, &query, &mut tally);
            Modules::All
        }
    };
    cleaned_in_sequence(&ModuleSymbolsAtomic(modules), &query, &mut tally);
    match tally.only() {
        Some(address) => Matches::One(address as usize),
        None => Matches::Count(tally.matches().try_into().unwrap_or(u32::MAX)),
    }
}
