// SPDX-License-Identifier: GPL-2.0 OR MIT

//! A symbol's name taken apart, for people and reports. Nothing is matched by it.

use super::clean::{
    cleanup_symbol_name,
    PROMOTION, //
};

/// The endings by which LLVM and GCC passes mark the functions that they make out of others. Where
/// a pass makes several, a number follows.
const PASSES: [&[u8]; 11] = [
    b"cold",
    b"part",
    b"isra",
    b"constprop",
    b"specialized",
    b"clone",
    b"lto_priv",
    b"resume",
    b"destroy",
    b"cleanup",
    b"warm",
];

/// The parts of a symbol's name: `[<function>.]<base>[.<id>][<pass>][.llvm.<hash>][<after>]`.
///
/// ```
/// let name = klp_policy::ParsedName::new(b"f.var.32.llvm.9a");
/// assert_eq!(name.function, Some(&b"f"[..]));
/// assert_eq!(name.base, b"var");
/// assert_eq!(name.id, Some(&b"32"[..]));
/// assert_eq!(name.hash, Some(&b"9a"[..]));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParsedName<'a> {
    /// The function that a static local belongs to (clang: `<function>.<symbol>`).
    pub function: Option<&'a [u8]>,
    /// The name in the source.
    pub base: &'a [u8],
    /// The number that keeps equal names apart (`.str.7`, GCC's `var.100135`).
    pub id: Option<&'a [u8]>,
    /// What passes appended before promotion, with its dot: `.cold`, `.part.0`, or nothing.
    pub pass: &'a [u8],
    /// The hash of the first promotion suffix.
    pub hash: Option<&'a [u8]>,
    /// What stands behind that hash, with its dot: `.cold`, `.llvm.2`, or nothing.
    pub after: &'a [u8],
}

impl<'a> ParsedName<'a> {
    /// Takes a name apart. Every name has a base, if only the whole of it.
    #[must_use]
    pub fn new(name: &'a [u8]) -> Self {
        let (head, tail) = name.split_at(cleanup_symbol_name(name).head_len());
        let (hash, after) = match tail.strip_prefix(PROMOTION) {
            Some(tail) => {
                let end = tail.iter().position(|&b| b == b'.').unwrap_or(tail.len());
                (Some(&tail[..end]), &tail[end..])
            }
            None => (None, tail),
        };

        let named = head.len() - passes_len(head);
        let (named, pass) = head.split_at(named);
        let (named, id) = match rsplit_dot(named) {
            Some((rest, id)) if is_number(id) => (rest, Some(id)),
            _ => (named, None),
        };
        // A leading dot is part of the name: `.str`.
        let dot = named.iter().skip(1).position(|&b| b == b'.');
        let (function, base) = match dot.map(|dot| dot + 1) {
            Some(dot) if named[0] != b'.' && dot + 1 < named.len() => {
                (Some(&named[..dot]), &named[dot + 1..])
            }
            _ => (None, named),
        };
        Self {
            function,
            base,
            id,
            pass,
            hash,
            after,
        }
    }
}

/// Bytes that the endings of passes take at the end of `name`.
fn passes_len(name: &[u8]) -> usize {
    let mut rest = name;
    while let Some((before, last)) = rsplit_dot(rest) {
        let (before, word) = match rsplit_dot(before) {
            Some((before, word)) if is_number(last) => (before, word),
            _ => (before, last),
        };
        if !PASSES.contains(&word) {
            break;
        }
        rest = before;
    }
    name.len() - rest.len()
}

/// The parts around the last dot, both of them non-empty.
fn rsplit_dot(name: &[u8]) -> Option<(&[u8], &[u8])> {
    let dot = name.iter().rposition(|&b| b == b'.')?;
    (dot > 0 && dot + 1 < name.len()).then(|| (&name[..dot], &name[dot + 1..]))
}

fn is_number(text: &[u8]) -> bool {
    text.iter().all(u8::is_ascii_digit)
}
