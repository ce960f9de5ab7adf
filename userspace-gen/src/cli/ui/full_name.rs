// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The full name of a symbol, for the shell: `$(klp-gen resolve --format name ...)`.

use klp_gen::resolve::{resolve, Answer};
use klp_gen::shown::shown;
use klp_gen::symbols::Entry;
use klp_gen::target::Target;
use klp_policy::{ObjName, Policy, Reason, Request, Sympos};

/// Returns the full name of a symbol, for readers who have nothing else.
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
            "the name '{}' has a character that a shell or a tracer takes apart: --format json prints it",
            shown(name)
        ))
    }
}

/// Refuses a symbol whose full name others of its object have, too.
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
            "{matches} symbols of {object} are called {}, a name does not say which: the address of this one is \
             {:#x}",
            shown(entry.name.0),
            entry.address
        )),
        _ => Ok(()),
    }
}

/// Returns whether `name` is one word wherever people write names: to a shell, and in the files of tracefs.
///
/// `$` is allowed, since the kernels 5.13 to 5.15 have it before the hash of a promoted name. A shell does not look at
/// it in what a command printed.
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
