// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The names by which a livepatch refers to symbols of the running kernel.

use crate::build::compare::names::clean;
use crate::target::{Object, Target};
use klp_policy::query::ANY;
use klp_policy::{Policy, Query, Sympos};

/// A name and a position that mean one symbol of an object by the rule of `klp_sympos`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meaning {
    /// `foo`, or `foo.llvm.*`.
    pub name: Vec<u8>,
    /// The position; 0 if no other symbol has the name.
    pub sympos: Sympos,
}

/// Returns the name and position of the symbol at a place of the object's table; none if livepatch cannot
/// find it by name.
#[must_use]
pub fn meaning(object: &Object<'_>, place: u32) -> Option<Meaning> {
    let plain = clean(object.symbols.get(place)?.name.0);
    let any = [&plain[..], ANY].concat();
    [plain, any].into_iter().find_map(|name| {
        let (mut position, mut matches) = (None, 0_u64);
        object.candidates(Policy::Llvm, &Query::new(&name), &mut |at, seq| {
            matches = matches.max(at);
            if seq == place {
                position = Some(at);
            }
        });
        let sympos = match position? {
            _ if matches == 1 => Sympos::UNIQUE,
            position => Sympos(position),
        };
        Some(Meaning { name, sympos })
    })
}

/// Returns the name of an undefined symbol that `klp-gen convert` resolves to the symbol at a place.
///
/// If the plain name is unique in all objects, it is used: objtool finds functions that do not return, and
/// keys of static calls, by their names. `is_defined` returns true if the livepatch itself has a function
/// of a name.
#[must_use]
pub fn reference(
    target: &Target<'_>,
    object: &Object<'_>,
    place: u32,
    is_defined: &dyn Fn(&[u8]) -> bool,
) -> Option<Vec<u8>> {
    let meaning = meaning(object, place)?;
    let exports = |o: &Object<'_>| matches!(o.export(&meaning.name), Ok(Some(_)));
    let is_exported =
        target.objects().iter().any(exports) || target.symvers().get(&meaning.name).is_some();
    let is_plain = !is_exported && !is_defined(&meaning.name) && !modpost_cuts(&meaning.name);
    if meaning.sympos == Sympos::UNIQUE && is_plain {
        if let [_] = target.objects_with(&Query::new(&meaning.name))[..] {
            return Some(meaning.name);
        }
    }
    let mut name = b".klp.sym.".to_vec();
    name.extend_from_slice(object.name.as_bytes());
    name.push(b'.');
    name.extend_from_slice(&meaning.name);
    name.extend_from_slice(format!(",{}", meaning.sympos.0).as_bytes());
    Some(name)
}

/// Returns true if modpost cuts a name: it removes a dot and a number, as in the names of variables that LLVM splits
/// (`remove_dot()` in `scripts/mod/modpost.c`).
fn modpost_cuts(name: &[u8]) -> bool {
    let mut parts = name.split(|&b| b == b'.');
    let (base, number) = (parts.next().unwrap_or_default(), parts.next());
    let is_number = |part: &[u8]| !part.is_empty() && part.iter().all(u8::is_ascii_digit);
    !base.is_empty() && number.is_some_and(is_number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modpost_cuts_numbers_behind_the_first_dot() {
        for name in ["pstate_funcs.1", "foo.2.llvm.3", "foo.1.bar"] {
            assert!(modpost_cuts(name.as_bytes()), "{name}");
        }
        for name in ["foo", "foo.bar.1", "foo.llvm.1", ".L.1", "foo.1a", "foo."] {
            assert!(!modpost_cuts(name.as_bytes()), "{name}");
        }
    }
}
