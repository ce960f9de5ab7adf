// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The full name of a symbol, for the shell: `$(klp-gen resolve --format name ...)`.

use klp_gen::printable::shown;
use klp_gen::resolve::{resolve, Answer};
use klp_gen::symbols::Entry;
use klp_gen::target::Target;
use klp_policy::{ObjName, Policy, Reason, Request, Sympos};

/// Returns the full name of a symbol, as one word.
///
/// # Errors
///
/// The name is not one word to a shell.
pub fn word<'t>(entry: &Entry<'t>) -> Result<&'t [u8], String> {
    let name = entry.name.0;
    if is_word(name) {
        Ok(name)
    } else {
        Err(format!(
            "the name '{}' is not one word to a shell or a tracer (use --format json)",
            shown(name)
        ))
    }
}

/// Checks that no other symbol of the object has the full name of a symbol.
///
/// # Errors
///
/// Several symbols have the name.
pub fn expect_one(
    target: &Target<'_>,
    object: ObjName<'_>,
    entry: &Entry<'_>,
) -> Result<(), String> {
    let exactly = Request {
        objname: object,
        has_objname: true,
        name: entry.name,
        sympos: Sympos::UNIQUE,
    };
    match resolve(target, Policy::Exact, &exactly) {
        Answer::Refused {
            reason: Reason::Ambiguous { matches },
            ..
        } => Err(format!(
            "{matches} symbols of {object} have the full name {} (use the address of this one, {:#x})",
            shown(entry.name.0),
            entry.address
        )),
        _ => Ok(()),
    }
}

/// Returns true if `name` is one word to a shell, and in the files of tracefs.
///
/// `$` is allowed, because kernels 5.13 to 5.15 have it in front of the hash of a promoted name. A shell does not expand
/// it in the output of a command.
fn is_word(name: &[u8]) -> bool {
    let is_allowed =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '$') || !c.is_ascii();
    let Ok(text) = std::str::from_utf8(name) else {
        return false;
    };
    !text.is_empty()
        && text
            .chars()
            .all(|c| is_allowed(c) && !c.is_control() && !c.is_whitespace())
}
