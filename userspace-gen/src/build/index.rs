// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The index of one file: what the thin link decided about it.
//!
//! A `.thinlto.bc` lists the file's own symbols, with their linkage, and the symbols that it imports from others. The
//! hash of a file that it imports from is in it as well, so that almost every index near a patched file differs;
//! [`Index::difference`] finds those that differ in more.

use memchr::memmem;
use std::collections::{BTreeMap, HashMap, HashSet};

/// The decisions of the thin link about a file.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Index {
    symbols: BTreeMap<u64, Symbol>,
    rest: Vec<String>,
}

#[derive(Debug, PartialEq, Eq)]
struct Symbol {
    /// The file that has the definition, if it is known here.
    file: Option<String>,
    /// The summary, with the numbers of the text replaced by what they stand for.
    summary: String,
}

/// The reason for which a file has to be compiled again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Difference {
    /// A symbol that is imported from a file, and whose definition changed there.
    Import {
        /// The symbol.
        guid: u64,
        /// The file.
        file: String,
    },
    /// Another decision about a symbol.
    Decision {
        /// The symbol; nothing if it is about the whole file.
        guid: Option<u64>,
    },
}

impl Index {
    /// Reads what `llvm-dis` prints; `rename` gives each file the name that it has in both versions.
    #[must_use]
    pub fn parse(text: &[u8], rename: impl Fn(&str) -> String) -> Self {
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

    /// Returns the first reason for which the code of `own` may differ between two versions of its index.
    ///
    /// `changed` has the symbols whose definitions changed, by file.
    #[must_use]
    pub fn difference(
        &self,
        new: &Self,
        own: &str,
        changed: &HashMap<String, HashSet<u64>>,
    ) -> Option<Difference> {
        for (guid, symbol) in self.symbols.iter().chain(&new.symbols) {
            let file = symbol.file.as_deref().filter(|file| *file != own);
            if let Some(file) =
                file.filter(|file| changed.get(*file).is_some_and(|c| c.contains(guid)))
            {
                return Some(Difference::Import {
                    guid: *guid,
                    file: file.to_owned(),
                });
            }
        }
        let guids = self.symbols.keys().chain(new.symbols.keys());
        let mut differing = guids.filter(|guid| self.symbols.get(guid) != new.symbols.get(guid));
        // A symbol of the file itself says most.
        let is_own = |guid: &&u64| {
            let symbol = new.symbols.get(guid).or_else(|| self.symbols.get(guid));
            symbol.is_some_and(|symbol| symbol.file.as_deref() == Some(own))
        };
        let first = differing.clone().find(is_own).or_else(|| differing.next());
        if let Some(guid) = first {
            return Some(Difference::Decision { guid: Some(*guid) });
        }
        (self.rest != new.rest).then_some(Difference::Decision { guid: None })
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

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "\
^0 = module: (path: \"./a.o\", hash: (1, 2, 3, 4, 5))
^1 = module: (path: \"./b.o\", hash: (6, 7, 8, 9, 0))
^2 = gv: (guid: 10, summaries: (function: (module: ^1, flags: (linkage: internal), insts: 2, calls: ((callee: ^3)))))
^3 = gv: (guid: 11, summaries: (function: (module: ^0, flags: (linkage: external), insts: 5)))
^4 = flags: 8
^5 = blockcount: 7
";

    fn difference(edits: &[(&str, &str)], changed: &[u64]) -> Option<Difference> {
        let mut new = OLD.to_owned();
        for (from, to) in edits {
            assert!(new.contains(from), "{from}");
            new = new.replace(from, to);
        }
        let rename = |path: &str| path.replace("/tmp/new/", "./");
        let [old, new] = [OLD, &new].map(|text| Index::parse(text.as_bytes(), rename));
        let changed = HashMap::from([("./a.o".to_owned(), changed.iter().copied().collect())]);
        old.difference(&new, "./b.o", &changed)
    }

    #[test]
    fn hashes_and_numbers_are_no_difference() {
        assert_eq!(
            difference(&[("(1, 2,", "(9, 9,"), ("./a.o", "/tmp/new/a.o")], &[]),
            None
        );
        assert_eq!(difference(&[("^3", "^9")], &[12]), None);
        assert_eq!(difference(&[("blockcount: 7", "blockcount: 8")], &[]), None);
    }

    #[test]
    fn what_is_imported() {
        let import = Difference::Import {
            guid: 11,
            file: "./a.o".to_owned(),
        };
        assert_eq!(difference(&[], &[11]), Some(import));
        // The file's own definition is not imported.
        assert_eq!(difference(&[], &[10]), None);
    }

    #[test]
    fn what_is_decided() {
        let own = Difference::Decision { guid: Some(10) };
        assert_eq!(
            difference(&[("linkage: internal", "linkage: external")], &[]),
            Some(own)
        );
        let other = Difference::Decision { guid: Some(11) };
        assert_eq!(difference(&[("insts: 5", "insts: 6")], &[]), Some(other));
        let whole = Difference::Decision { guid: None };
        assert_eq!(difference(&[("flags: 8", "flags: 9")], &[]), Some(whole));
    }
}
