// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Livepatch symbols: `klp_resolve_symbols()` in kernel/livepatch/core.c.

use super::find_symbol::{FoundSymbol, SymbolLookup};
use crate::check::loader::values::Value;
use crate::check::refusal::{Refusal, RelocationPlace};
use crate::check::report::{Kind, Outcome, Report};
use crate::check::subject::Subject;
use crate::elf::{Place, Symbol};
use crate::printable::shown;
use crate::release::Release;
use crate::target::impossible;
use klp_policy::{LivepatchSymbol, ObjName, Query};
use object::read::ReadRef;
use std::collections::BTreeMap;

/// The first relocation of a section that refers to a symbol.
pub(super) struct Reference<'s> {
    /// The object that the section is for.
    pub(super) section: ObjName<'s>,
    /// True if code of the livepatch calls the symbol.
    pub(super) is_called: bool,
    /// The place of the relocation, if the kernel's messages tell it.
    pub(super) at: Option<RelocationPlace>,
}

/// The symbols that were found, by object and place in its table, each with the name that found it first.
#[derive(Default)]
pub(super) struct FoundNames(BTreeMap<(Vec<u8>, u32), String>);

impl FoundNames {
    /// Adds a symbol with the name that found it, and returns the name that found it before, if that is another.
    fn add(&mut self, objname: ObjName<'_>, seq: u32, name: &str) -> Option<&str> {
        let place = (objname.as_bytes().to_vec(), seq);
        let first = self.0.entry(place).or_insert_with(|| name.to_owned());
        (first != name).then_some(first)
    }
}

impl<'d, R: ReadRef<'d>> Subject<'_, 'd, R> {
    /// Reports a symbol to which livepatch relocations refer, and returns the symbol's value.
    pub(super) fn check_symbol(
        &self,
        symbol: &Symbol<'d>,
        reference: &Reference<'_>,
        names: &mut FoundNames,
        report: &mut Report,
    ) -> Value {
        let subject = shown(symbol.name);
        let parsed = match parse(symbol, reference, self.release) {
            Ok(parsed) => parsed,
            Err((object, refusal)) => {
                let outcome = Outcome::Refused(refusal);
                report.add(Kind::Symbol, object.to_string(), subject, outcome);
                return Value::Unknown;
            }
        };
        let objname = parsed.objname();
        let lookup = self.look_up(&parsed);
        let (outcome, mut warnings) = self.outcome(&parsed, &lookup);
        if let SymbolLookup::Found(found) = &lookup {
            report.needs_klp_sympos |= found.needs_klp_sympos();
            let other = names.add(objname, found.found.seq, &subject);
            warnings.extend(warnings_of_use(found, objname, reference, other));
        }
        let finding = report.add(Kind::Symbol, objname.to_string(), subject, outcome);
        finding.warnings = warnings;
        value(objname, &lookup)
    }

    fn look_up(&self, symbol: &LivepatchSymbol<'_>) -> SymbolLookup<'_> {
        let name = symbol.name().0;
        let (target, policy) = (self.target, self.policy);
        let (objname, query) = (symbol.objname(), Query::new(name));
        SymbolLookup::look_up(target, policy, objname, &query, name, symbol.sympos())
    }

    /// Returns the kernel's answer to a lookup, and warnings about it.
    fn outcome(
        &self,
        symbol: &LivepatchSymbol<'_>,
        lookup: &SymbolLookup<'_>,
    ) -> (Outcome, Vec<String>) {
        let (objname, name) = (symbol.objname(), symbol.name().0);
        match lookup {
            SymbolLookup::Found(found) => {
                let doubts = found.doubts(self.policy, &Query::new(name), symbol.sympos());
                (found.outcome(), doubts)
            }
            SymbolLookup::Refused { refusal, hint } => {
                let hint = hint.iter().cloned().collect();
                (Outcome::Refused(refusal.clone()), hint)
            }
            SymbolLookup::NoObject => {
                let impossible = impossible(objname.as_bytes());
                match impossible.filter(|_| !objname.is_vmlinux()) {
                    Some(why) => {
                        let name = shown(name);
                        (Outcome::Refused(Refusal::NotFound { name }), vec![why])
                    }
                    None => (
                        Outcome::Unchecked(self.target.not_given(objname)),
                        Vec::new(),
                    ),
                }
            }
        }
    }
}

/// Takes the name of a symbol apart; or else returns the refusal, with the object that the finding is about.
fn parse<'d, 's>(
    symbol: &Symbol<'d>,
    reference: &Reference<'s>,
    release: &Release,
) -> Result<LivepatchSymbol<'d>, (ObjName<'s>, Refusal)>
where
    'd: 's,
{
    let subject = || shown(symbol.name);
    let &Reference { section, at, .. } = reference;
    if symbol.place != Place::Livepatch {
        return Err((
            section,
            Refusal::NotMarked {
                symbol: subject(),
                at,
            },
        ));
    }
    let Ok(parsed) = LivepatchSymbol::parse(symbol.name, release.too_large) else {
        return Err((section, Refusal::SymbolFormat { symbol: subject() }));
    };
    let objname = parsed.objname();
    if objname.is_vmlinux() && !section.is_vmlinux() {
        let name = shown(parsed.name().0);
        return Err((objname, Refusal::VmlinuxFromModule { name }));
    }
    Ok(parsed)
}

/// Returns warnings about a symbol that the kernel finds, and that relocations use; `other` is another name of the
/// symbol.
fn warnings_of_use(
    found: &FoundSymbol<'_>,
    objname: ObjName<'_>,
    reference: &Reference<'_>,
    other: Option<&str>,
) -> Vec<String> {
    let mut warnings = Vec::new();
    let &Reference {
        section, is_called, ..
    } = reference;
    if is_called && found.is_data() {
        warnings.push("the livepatch calls it, but it is data".to_owned());
    }
    if let Some(other) = other {
        warnings.push(format!("means the same symbol as {other}"));
    }
    if section.is_vmlinux() && !objname.is_vmlinux() {
        warnings.push(format!(
            "found only if {objname} is loaded before the livepatch"
        ));
    }
    warnings
}

/// Returns the number that the kernel writes for a symbol.
fn value(objname: ObjName<'_>, lookup: &SymbolLookup<'_>) -> Value {
    match lookup {
        SymbolLookup::Found(found) if objname.is_vmlinux() => Value::Linked(found.entry.address),
        SymbolLookup::Found(_) => Value::Module,
        SymbolLookup::Refused { .. } | SymbolLookup::NoObject => Value::Unknown,
    }
}
