// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The same answers, computed in the most obvious way.
//!
//! Everything here allocates, looks at every symbol, and shares no code with `klp-policy`.

use klp_policy::{
    Asker,
    Symbol, //
};

/// The name without promotion suffixes: of the parts between the dots, each `llvm` goes that has a
/// part of hexadecimal digits behind it and a base before it, and those digits with it.
pub fn clean(name: &[u8]) -> Vec<u8> {
    let parts: Vec<&[u8]> = name.split(|&b| b == b'.').collect();
    let mut kept = vec![parts[0]];
    let mut at = 1;
    while at < parts.len() {
        let has_base = at > 1 || !parts[0].is_empty();
        let is_hash = parts.get(at + 1).is_some_and(|hash| is_hash(hash));
        if parts[at] == b"llvm" && has_base && is_hash {
            at += 2;
        } else {
            kept.push(parts[at]);
            at += 1;
        }
    }
    kept.join(&b'.')
}

fn is_hash(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(|b| b"0123456789abcdef".contains(b))
}

/// Everything from `cut` on is gone, as `strstr()` and a NUL do it.
pub fn cut(name: &[u8], cut: &[u8]) -> Vec<u8> {
    let end = (0..name.len()).find(|&at| name[at..].starts_with(cut));
    name[..end.unwrap_or(name.len())].to_vec()
}

/// The rule for a whole query: full names in the order of the table, and whether they are equal to
/// the query itself.
pub fn matches<'t>(symbols: &[Symbol<'t>], asker: Asker, query: &[u8]) -> (Vec<Symbol<'t>>, bool) {
    let with = |test: &dyn Fn(&[u8]) -> bool| -> Vec<Symbol<'t>> {
        symbols.iter().copied().filter(|s| test(s.name.0)).collect()
    };
    match query.strip_suffix(b".llvm.*") {
        Some(base) if !base.is_empty() => (with(&|name| clean(name) == base), false),
        _ => {
            let exact = with(&|name| name == query);
            let of_another_build = asker == Asker::Livepatch && clean(query) != query;
            if exact.is_empty() && !of_another_build {
                (with(&|name| clean(name) == clean(query)), false)
            } else {
                (exact, true)
            }
        }
    }
}
