// SPDX-License-Identifier: GPL-2.0 OR MIT

//! An index as `llvm-dis` prints it.

use super::{Index, Symbol};
use memchr::memmem;
use std::collections::HashMap;

impl Index {
    /// Reads what `llvm-dis` prints; `rename` gives each file the name that it has in both versions.
    #[must_use]
    pub fn from_text(text: &[u8], rename: impl Fn(&str) -> String) -> Self {
        let text = String::from_utf8_lossy(text);
        let mut index = Self::default();
        let mut numbers = HashMap::new();
        let mut files = HashMap::new();
        let mut symbols = Vec::new();
        for line in text.lines() {
            let Some((number, what)) = line.strip_prefix('^').and_then(|l| l.split_once(" = "))
            else {
                continue;
            };
            if let Some(path) = what.strip_prefix("module: (path: \"") {
                let path = rename(path.split('"').next().unwrap_or_default());
                numbers.insert(number, path.clone());
                files.insert(number, path);
            } else if let Some(rest) = what.strip_prefix("gv: (guid: ") {
                let end = rest
                    .find(|c: char| !c.is_ascii_digit())
                    .unwrap_or(rest.len());
                if let Ok(guid) = rest[..end].parse::<u64>() {
                    numbers.insert(number, guid.to_string());
                    symbols.push((guid, &rest[end..]));
                }
            } else if !what.starts_with("blockcount:") {
                index.rest.push(what.to_owned());
            }
        }
        for (guid, summary) in symbols {
            let file = between(summary, "(module: ^", ",").and_then(|number| files.get(number));
            let symbol = Symbol {
                file: file.cloned(),
                summary: resolve(summary, &numbers),
            };
            index.symbols.insert(guid, symbol);
        }
        index
    }
}

fn between<'t>(text: &'t str, start: &str, end: &str) -> Option<&'t str> {
    let (_, rest) = text.split_once(start)?;
    rest.split(end).next()
}

/// Replaces `^12` by what line 12 is about.
fn resolve(summary: &str, numbers: &HashMap<&str, String>) -> String {
    let mut resolved = String::with_capacity(summary.len());
    let mut copied = 0;
    for at in memmem::find_iter(summary.as_bytes(), b"^") {
        let rest = &summary[at + 1..];
        let end = rest
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(rest.len());
        resolved.push_str(&summary[copied..=at]);
        resolved.push_str(numbers.get(&rest[..end]).map_or("", String::as_str));
        copied = at + 1 + end;
    }
    resolved.push_str(&summary[copied..]);
    resolved
}
