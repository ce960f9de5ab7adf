// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The names by which a livepatch refers to symbols of the running kernel.

use crate::build::compare::names::clean;
use crate::convert::kernel_name::{position_of, KernelName};
use crate::target::{Object, Target};
use klp_policy::query::ANY;
use klp_policy::{Policy, Query, Sympos};

/// Returns the name and position by which `klp_sympos` finds the symbol at a place of the object's table; none if
/// livepatch cannot find it by name. The name is `foo`, or `foo.llvm.*`.
#[must_use]
pub fn kernel_name(object: &Object<'_>, place: u32) -> Option<KernelName> {
    let plain = clean(object.symbols.get(place)?.name.0);
    let any = [&plain[..], ANY].concat();
    [plain, any].into_iter().find_map(|name| {
        let sympos = position_of(object, Policy::Llvm, &Query::new(&name), place)?;
        Some(KernelName { name, sympos })
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
    let kernel_name = kernel_name(object, place)?;
    let exports = |o: &Object<'_>| matches!(o.export(&kernel_name.name), Ok(Some(_)));
    let is_exported =
        target.objects().iter().any(exports) || target.symvers().get(&kernel_name.name).is_some();
    let is_plain =
        !is_exported && !is_defined(&kernel_name.name) && !modpost_cuts(&kernel_name.name);
    if kernel_name.sympos == Sympos::UNIQUE && is_plain {
        if let [_] = target.objects_with(&Query::new(&kernel_name.name))[..] {
            return Some(kernel_name.name);
        }
    }
    let mut name = b".klp.sym.".to_vec();
    name.extend_from_slice(object.name.as_bytes());
    name.push(b'.');
    name.extend_from_slice(&kernel_name.name);
    name.extend_from_slice(format!(",{}", kernel_name.sympos.0).as_bytes());
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
