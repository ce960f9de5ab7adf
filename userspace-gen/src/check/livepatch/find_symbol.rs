// SPDX-License-Identifier: GPL-2.0 OR MIT

//! A lookup by the livepatch core: `klp_find_object_symbol()`.

use crate::check::refusal::Refusal;
use crate::check::report::Outcome;
use crate::printable::shown;
use crate::symbols::Entry;
use crate::target::{rule_of, Object, Target};
use klp_policy::{Found, MatchedBy, ObjName, Policy, Query, Reason, SymbolName, Sympos};

/// A symbol that the livepatch core finds.
#[derive(Clone, Debug)]
pub struct FoundSymbol<'t> {
    /// The object.
    pub object: &'t Object<'t>,
    /// The way in which it was found.
    pub found: Found,
    /// The symbol.
    pub entry: Entry<'t>,
    /// The number of symbols with its cleaned name, which is larger if an exact name won over others.
    pub cleaned: u64,
}

/// The result of a lookup.
#[derive(Clone, Debug)]
pub enum SymbolLookup<'t> {
    /// The symbol.
    Found(FoundSymbol<'t>),
    /// The kernel refuses the name.
    Refused {
        /// The message of the kernel.
        refusal: Refusal,
        /// An explanation beyond the kernel's message, if there is one.
        hint: Option<String>,
    },
    /// The object is not among the targets.
    NoObject,
}

impl FoundSymbol<'_> {
    /// Returns true if a stock kernel would not find the symbol.
    #[must_use]
    pub fn needs_klp_sympos(&self) -> bool {
        self.found.by == MatchedBy::Cleaned
    }

    /// Returns warnings: the kernel accepts the symbol, but the author may have meant another symbol.
    #[must_use]
    pub fn doubts(&self, policy: Policy, query: &Query<'_>, sympos: Sympos) -> Vec<String> {
        let doubts = [
            self.hides(query),
            self.counts_differently(query, sympos),
            self.shares(policy, query),
        ];
        doubts.into_iter().flatten().collect()
    }

    /// Returns the symbol as an outcome of the check.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        Outcome::Resolved {
            address: self.entry.address,
            name: shown(self.entry.name.0),
            file: self.object.source_file(self.found.seq).map(shown),
        }
    }

    /// Returns true if the symbol is data, not code.
    #[must_use]
    pub fn is_data(&self) -> bool {
        is_data(&self.entry)
    }

    /// Returns a warning about an exact name that is preferred to promoted symbols of the same name.
    fn hides(&self, query: &Query<'_>) -> Option<String> {
        let others = self.cleaned.checked_sub(self.found.matches)?;
        if others == 0 || matches!(query, Query::Any(_)) {
            return None;
        }
        Some(format!(
            "the exact name wins over promoted symbols of the same name ({}.llvm.* has {} matches)",
            query.cleaned(),
            self.cleaned
        ))
    }

    /// Returns a warning about a position that means another symbol if cleaned names are counted.
    fn counts_differently(&self, query: &Query<'_>, sympos: Sympos) -> Option<String> {
        if sympos.0 == 0 || self.found.by == MatchedBy::Cleaned {
            return None;
        }
        let clean: Vec<u8> = query.cleaned().bytes().collect();
        let any = Query::Any(SymbolName(&clean));
        let other = self.object.resolve(Policy::Llvm, &any, sympos).ok()?;
        (other.seq != self.found.seq).then(|| {
            format!(
                "position {sympos} of {}.llvm.* (counted by cleaned names) is another symbol",
                query.cleaned()
            )
        })
    }

    /// Returns a warning about a name that functions and data share.
    fn shares(&self, policy: Policy, query: &Query<'_>) -> Option<String> {
        if self.found.matches < 2 {
            return None;
        }
        let (mut matches, mut others) = (0_u64, 0_u64);
        self.object.candidates(policy, query, &mut |_, seq| {
            matches += 1;
            let other = self.object.symbols.get(seq);
            others += u64::from(other.is_some_and(|e| is_data(e) != self.is_data()));
        });
        let what = if self.is_data() { "code" } else { "data" };
        (others > 0).then(|| format!("{others} of the {matches} symbols of that name are {what}"))
    }
}

impl<'t> SymbolLookup<'t> {
    fn refused(refusal: Refusal) -> Self {
        Self::Refused {
            refusal,
            hint: None,
        }
    }

    /// Looks up `name` in `objname`, both while the object initializes and after that.
    #[must_use]
    pub fn look_up(
        target: &'t Target<'t>,
        policy: Policy,
        objname: ObjName<'_>,
        query: &Query<'_>,
        name: &[u8],
        sympos: Sympos,
    ) -> Self {
        let Some(object) = target.object(objname) else {
            return Self::NoObject;
        };
        let name = || logged(policy, name);
        let found = match object.resolve(policy, query, sympos) {
            Ok(found) => found,
            Err(reason) => {
                return Self::Refused {
                    refusal: refusal(policy, objname, reason, name(), sympos),
                    hint: another_build(object, policy, query, reason),
                }
            }
        };
        let Some(&entry) = object.symbols.get(found.seq) else {
            return Self::NoObject;
        };
        // klp_find_object_symbol() takes address 0 for "not found". In a module file that is only
        // the start of a section.
        if objname.is_vmlinux() && entry.address == 0 {
            return Self::refused(Refusal::NotFound { name: name() });
        }
        let coming = object.resolve_coming(policy, query, sympos);
        if coming.is_err() || coming.is_ok_and(|coming| coming.seq != found.seq) {
            return Self::refused(Refusal::Harmful(format!(
                "'{}' at position {sympos} means another symbol of {objname} while that module \
                initializes: the kernel drops its init symbols afterwards",
                name()
            )));
        }
        Self::Found(FoundSymbol {
            object,
            found,
            entry,
            cleaned: cleaned(object, policy, query),
        })
    }
}

/// Returns a hint if a name was not found because its hash is of another build.
fn another_build(
    object: &Object<'_>,
    policy: Policy,
    query: &Query<'_>,
    reason: Reason,
) -> Option<String> {
    // Kernels that cut names find no name with a hash, whatever the build.
    let cuts = !matches!(rule_of(policy, object.name), Policy::Llvm | Policy::Exact);
    if cuts || reason != Reason::NotFound {
        return None;
    }
    let here = query.of_any_build()?;
    let (mut matches, mut first) = (0_u64, None);
    object.candidates(Policy::Llvm, &here, &mut |_, seq| {
        matches += 1;
        first = first.or(object.symbols.get(seq));
    });
    let cleaned = query.cleaned().to_string();
    let cleaned = shown(cleaned.as_bytes());
    let has = match first {
        None => format!("no symbol called {cleaned}"),
        Some(only) if matches == 1 => format!("{} instead", shown(only.name.0)),
        Some(_) => format!("{matches} symbols called {cleaned}, none with this hash"),
    };
    Some(format!(
        "the livepatch is of another build: {} has {has}",
        object.name
    ))
}

/// Returns a name as the kernel logs it.
///
/// The stock kernel logs all bytes unchanged. `klp_sympos` escapes bytes that are no printable ASCII
/// characters, as the kernel's `CStr` does.
fn logged(policy: Policy, name: &[u8]) -> String {
    if policy != Policy::Llvm || name.iter().all(|byte| matches!(byte, b' '..=b'~')) {
        return shown(name);
    }
    let mut logged = Vec::new();
    for &byte in name {
        match byte {
            b' '..=b'~' => logged.push(byte),
            byte => logged.extend_from_slice(format!("\\x{byte:02x}").as_bytes()),
        }
    }
    shown(&logged)
}

/// Returns true if the letter of a symbol means data. A weak symbol that is no object may be a function.
fn is_data(entry: &Entry<'_>) -> bool {
    !matches!(entry.letter.to_ascii_lowercase(), b't' | b'w')
}

/// Returns the number of symbols with the cleaned name of `query`.
fn cleaned(object: &Object<'_>, policy: Policy, query: &Query<'_>) -> u64 {
    if policy != Policy::Llvm {
        return 0;
    }
    let clean: Vec<u8> = query.cleaned().bytes().collect();
    let any = Query::Any(SymbolName(&clean));
    match object.resolve(policy, &any, Sympos(u64::MAX)) {
        Ok(found) => found.matches,
        Err(reason) => reason.matches(),
    }
}

fn refusal(
    policy: Policy,
    objname: ObjName<'_>,
    reason: Reason,
    name: String,
    sympos: Sympos,
) -> Refusal {
    match reason {
        Reason::NotFound => Refusal::NotFound { name },
        Reason::Ambiguous { .. } => Refusal::Ambiguous {
            name,
            // The stock kernel passes NULL for vmlinux to printk(); klp_sympos names it.
            object: if objname.is_vmlinux() && policy != Policy::Llvm {
                "(null)".to_owned()
            } else {
                objname.to_string()
            },
        },
        Reason::NoSuchPosition { .. } => Refusal::NoSuchPosition {
            name,
            sympos: sympos.0,
            object: objname.to_string(),
        },
    }
}
