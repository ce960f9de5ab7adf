// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The output of `llvm-nm` and `llvm-dis` for bitcode.

use super::inputs::Bitcode;
use crate::error::{Error, ErrorKind, Result};
use crate::printable::shown;
use std::collections::{HashMap, HashSet};
use std::os::unix::ffi::OsStrExt as _;

/// The symbols of a file, as `llvm-nm` lists them: first those of the code, then those of assembler.
#[derive(Debug, Default)]
pub struct SymbolList {
    /// The symbols.
    pub symbols: Vec<ListedSymbol>,
}

/// A line of `llvm-nm`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedSymbol {
    /// The letter of its type.
    pub letter: u8,
    /// Its name.
    pub name: Vec<u8>,
}

impl SymbolList {
    /// Reads the output of `llvm-nm --print-file-name --no-sort` for `files`.
    ///
    /// # Errors
    ///
    /// A line names none of the files, or has no symbol.
    pub(super) fn parse(text: &[u8], files: &[Bitcode]) -> Result<Vec<Self>> {
        let mut all = Vec::with_capacity(files.len());
        let mut files = files.iter();
        let mut prefix = Vec::new();
        for line in text.split(|&byte| byte == b'\n').filter(|l| !l.is_empty()) {
            let bad = || {
                let what = format!(
                    "llvm-nm: expected FILE: ADDRESS TYPE NAME, found {}",
                    shown(line)
                );
                Error::new(ErrorKind::Malformed, what)
            };
            // The files are in their order; a file without symbols has no line.
            while all.is_empty() || !line.starts_with(&prefix) {
                let file = files.next().ok_or_else(bad)?;
                prefix = [file.path.as_os_str().as_bytes(), b": "].concat();
                all.push(Self::default());
            }
            let symbol = line.get(prefix.len()..).and_then(symbol).ok_or_else(bad)?;
            if let Some(last) = all.last_mut() {
                last.symbols.push(symbol);
            }
        }
        all.extend(files.map(|_| Self::default()));
        Ok(all)
    }
}

/// Reads `---------------- t name`. For 32 bits there are half as many dashes. An undefined symbol has
/// blanks instead of dashes.
fn symbol(line: &[u8]) -> Option<ListedSymbol> {
    let line = line.trim_ascii_start();
    let dashes = line.iter().take_while(|&&byte| byte == b'-').count();
    match line[dashes..].trim_ascii_start() {
        // Assembler may have symbols without a name.
        [letter, b' ', name @ ..] => Some(ListedSymbol {
            letter: *letter,
            name: name.to_vec(),
        }),
        _ => None,
    }
}

impl ListedSymbol {
    /// Returns true if the symbol is local to its file.
    #[must_use]
    pub fn is_local(&self) -> bool {
        // w and v are weak and undefined.
        self.letter.is_ascii_lowercase() && !self.is_undefined()
    }

    /// Returns true if the symbol is undefined.
    #[must_use]
    pub fn is_undefined(&self) -> bool {
        matches!(self.letter, b'U' | b'w' | b'v')
    }

    /// Returns true if a strong definition replaces this definition.
    #[must_use]
    pub fn is_weak(&self) -> bool {
        matches!(self.letter, b'W' | b'V' | b'w' | b'v')
    }
}

/// The names in the text of a module.
#[derive(Debug, Default)]
pub struct BitcodeNames {
    /// The source file.
    pub source: String,
    /// The functions and variables of the code, without those of assembler.
    globals: HashSet<Vec<u8>>,
    /// The statics that may be promoted; true for functions.
    promotable: HashMap<Vec<u8>, bool>,
}

impl BitcodeNames {
    /// Reads the output of `llvm-dis`.
    #[must_use]
    pub fn parse(text: &[u8]) -> Self {
        let mut module = Self::default();
        let mut used = Vec::new();
        let mut summary = Summary::default();
        for line in text.split(|&byte| byte == b'\n') {
            if [&b"@llvm.used ="[..], b"@llvm.compiler.used ="]
                .iter()
                .any(|start| line.starts_with(start))
            {
                used.extend(names_in(line).into_iter().skip(1));
            } else if line.starts_with(b"@") {
                module.add(line, false);
            } else if line.starts_with(b"define ") || line.starts_with(b"declare ") {
                module.add(line, true);
            } else if line.starts_with(b"^") {
                summary.add(line);
            } else if let Some(name) = line.strip_prefix(b"source_filename = ") {
                module.source = shown(&quoted(name).0);
            }
        }
        for name in used {
            module.promotable.remove(&name);
        }
        let referred_to = summary.referred_to();
        module
            .promotable
            .retain(|name, _| referred_to.contains(name.as_slice()));
        module
    }

    /// Returns true if the code defines or declares a function or variable of a name.
    #[must_use]
    pub fn has(&self, name: &[u8]) -> bool {
        self.globals.contains(name)
    }

    /// Returns true for a promotable static function of a name, false for a promotable static variable, and
    /// nothing if no static of the name may be promoted.
    ///
    /// A static may be promoted under two conditions (`ModuleSummaryAnalysis.cpp`, `computeModuleSummary()`):
    ///
    /// - LLVM may rename it: it has no section of its own, and is not in `llvm.used`;
    /// - something that another file may import refers to it.
    #[must_use]
    pub fn promotable(&self, name: &[u8]) -> Option<bool> {
        self.promotable.get(name).copied()
    }

    fn add(&mut self, line: &[u8], function: bool) {
        let Some(at) = line.iter().position(|&byte| byte == b'@') else {
            return;
        };
        let (name, rest) = name(&line[at + 1..]);
        // The linkage is in front of the name of a function, and behind the name of a variable.
        let linkage = if function { &line[..at] } else { rest };
        let mut words = linkage.split(|&byte| byte == b' ').take(6);
        let local = words.any(|word| word == b"internal" || word == b"private");
        if local && !has_section(rest) {
            self.promotable.insert(name.clone(), function);
        }
        self.globals.insert(name);
    }
}

/// The index of a module: `^1 = gv: (name: "…", summaries: (… refs: (^2, readonly ^3)))`.
#[derive(Debug, Default)]
struct Summary {
    names: HashMap<u64, Vec<u8>>,
    referred_to: HashSet<u64>,
}

impl Summary {
    fn add(&mut self, line: &[u8]) {
        let Some((id, rest)) = number(&line[1..]) else {
            return;
        };
        let Some(rest) = rest.strip_prefix(b" = gv: (name: ") else {
            return;
        };
        let (name, rest) = quoted(rest);
        self.names.insert(id, name);
        if contains(rest, b"notEligibleToImport: 1") {
            return;
        }
        // All numbers that follow are references and calls, except ^0, the module itself, which has no name.
        for part in rest.split(|&byte| byte == b'^').skip(1) {
            if let Some((id, _)) = number(part) {
                self.referred_to.insert(id);
            }
        }
    }

    fn referred_to(&self) -> HashSet<&[u8]> {
        let ids = self.referred_to.iter();
        ids.filter_map(|id| self.names.get(id).map(Vec::as_slice))
            .collect()
    }
}

fn number(text: &[u8]) -> Option<(u64, &[u8])> {
    let end = text.iter().position(|byte| !byte.is_ascii_digit());
    let (digits, rest) = text.split_at(end.unwrap_or(text.len()));
    Some((std::str::from_utf8(digits).ok()?.parse().ok()?, rest))
}

/// Returns the name behind each `@` of a line.
fn names_in(line: &[u8]) -> Vec<Vec<u8>> {
    let mut names = Vec::new();
    let mut rest = line;
    while let Some(at) = rest.iter().position(|&byte| byte == b'@') {
        let (found, after) = name(&rest[at + 1..]);
        names.push(found);
        rest = after;
    }
    names
}

/// Returns the name at the beginning of `text` (behind `@`), and the text behind the name.
fn name(text: &[u8]) -> (Vec<u8>, &[u8]) {
    if text.first() == Some(&b'"') {
        return quoted(text);
    }
    let ends = |byte: &u8| !(byte.is_ascii_alphanumeric() || b"-$._".contains(byte));
    let end = text.iter().position(ends).unwrap_or(text.len());
    (text[..end].to_vec(), &text[end..])
}

/// Returns the string in quotes at the beginning of `text`, with `\xx` decoded, and the text behind it.
fn quoted(text: &[u8]) -> (Vec<u8>, &[u8]) {
    let Some(mut rest) = text.strip_prefix(b"\"") else {
        return (Vec::new(), text);
    };
    let mut string = Vec::new();
    loop {
        match rest {
            [] => return (string, rest),
            [b'"', after @ ..] => {
                // LLVM writes \01 in front of a name that targets must not change.
                if string.first() == Some(&1) {
                    string.remove(0);
                }
                return (string, after);
            }
            [b'\\', high, low, after @ ..] => {
                let digit = |byte: &u8| char::from(*byte).to_digit(16);
                if let (Some(high), Some(low)) = (digit(high), digit(low)) {
                    string.extend(u8::try_from(high * 16 + low));
                    rest = after;
                } else {
                    string.push(b'\\');
                    rest = &rest[1..];
                }
            }
            [byte, after @ ..] => {
                string.push(*byte);
                rest = after;
            }
        }
    }
}

/// Returns true if a definition has a section of its own. Quoted text is skipped; LLVM writes `\22` for a
/// quote in it.
fn has_section(definition: &[u8]) -> bool {
    let unquoted = definition.split(|&byte| byte == b'"').step_by(2);
    unquoted
        .into_iter()
        .any(|part| part.ends_with(b" section "))
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str) -> Bitcode {
        Bitcode {
            origin: path.to_owned(),
            path: path.into(),
            producer: None,
            is_member: false,
        }
    }

    fn listed(text: &str, files: &[&str]) -> Result<Vec<Vec<(char, String)>>> {
        let files: Vec<_> = files.iter().map(|path| file(path)).collect();
        let listed = SymbolList::parse(text.as_bytes(), &files)?;
        let symbol = |s: &ListedSymbol| {
            let name = String::from_utf8_lossy(&s.name).into_owned();
            (s.letter.into(), name)
        };
        let symbols = |l: &SymbolList| l.symbols.iter().map(symbol).collect();
        Ok(listed.iter().map(symbols).collect())
    }

    #[test]
    fn symbols_belong_to_their_files() {
        let text = "a.o: ---------------- t foo\na.o:                  U bar\n\
                    c d.o: ---------------- T foo\nc d.o: ---------------- t \n\
                    arm.o: -------- t foo\narm.o:          U bar\n";
        let all = listed(
            text,
            &["none.o", "a.o", "empty.o", "c d.o", "last.o", "arm.o"],
        )
        .unwrap();
        let is = |letter, name: &str| (letter, name.to_owned());
        assert_eq!(all[0], []);
        assert_eq!(all[1], [is('t', "foo"), is('U', "bar")]);
        assert_eq!(all[2], []);
        assert_eq!(all[3], [is('T', "foo"), is('t', "")]);
        assert_eq!(all[4], []);
        assert_eq!(all[5], [is('t', "foo"), is('U', "bar")]);
    }

    #[test]
    fn another_tools_output_is_refused() {
        for text in ["b.o: ---------------- t foo", "a.o: ?", "a.o"] {
            let error = listed(text, &["a.o"]).unwrap_err().to_string();
            assert!(
                error.contains("expected FILE: ADDRESS TYPE NAME"),
                "{error}"
            );
        }
    }

    /// The text that clang makes of a static that another file may import, one in `llvm.used`, one with
    /// a section, one to which nothing refers, and a name that has to be quoted.
    const TEXT: &str = r#"; ModuleID = 'a.o'
source_filename = "dir/a.c"
module asm "foo: ret"
@table = internal constant [1 x ptr] [ptr @listed], align 8
@"odd name" = internal global i32 0, align 4
@placed = internal global i32 0, section ".data.placed", align 4
@"\01label" = internal global i32 0
@told = internal constant [11 x i8] c"no section ", align 1
@llvm.compiler.used = appending global [2 x ptr] [ptr @"kept here", ptr @alias], section "llvm.metadata"
define hidden i32 @bar(i32 noundef %0) #0 {
  %2 = call i32 @foo(i32 %0)
}
define internal fastcc i32 @foo(i32 noundef %0) unnamed_addr #1 {
define internal i32 @"kept here"(i32 noundef %0) #1 {
define internal i32 @unused(i32 noundef %0) #1 {
define internal i32 @listed(i32 noundef %0) #1 {
declare i32 @elsewhere(i32)
^0 = module: (path: "a.o", hash: (1, 2, 3, 4, 5))
^1 = gv: (name: "bar", summaries: (function: (module: ^0, flags: (linkage: external, notEligibleToImport: 0), insts: 3, calls: ((callee: ^2), (callee: ^3)), refs: (^5, ^8, readonly ^9, ^10)))) ; guid = 1
^2 = gv: (name: "foo", summaries: (function: (module: ^0, flags: (linkage: internal, notEligibleToImport: 1), insts: 2))) ; guid = 2
^3 = gv: (name: "kept here", summaries: (function: (module: ^0, flags: (linkage: internal, notEligibleToImport: 0), insts: 2))) ; guid = 3
^4 = gv: (name: "table", summaries: (variable: (module: ^0, flags: (linkage: internal, notEligibleToImport: 1), refs: (^6)))) ; guid = 4
^5 = gv: (name: "placed", summaries: (variable: (module: ^0, flags: (linkage: internal, notEligibleToImport: 1)))) ; guid = 5
^6 = gv: (name: "listed", summaries: (function: (module: ^0, flags: (linkage: internal, notEligibleToImport: 0), insts: 2))) ; guid = 6
^7 = gv: (name: "unused", summaries: (function: (module: ^0, flags: (linkage: internal, notEligibleToImport: 0), insts: 2))) ; guid = 7
^8 = gv: (name: "odd name", summaries: (variable: (module: ^0, flags: (linkage: internal, notEligibleToImport: 0)))) ; guid = 8
^9 = gv: (name: "\01label", summaries: (variable: (module: ^0, flags: (linkage: internal, notEligibleToImport: 0)))) ; guid = 9
^10 = gv: (name: "told", summaries: (variable: (module: ^0, flags: (linkage: internal, notEligibleToImport: 0)))) ; guid = 10
"#;

    #[test]
    fn knows_statics_that_may_be_promoted() {
        let module = BitcodeNames::parse(TEXT.as_bytes());
        assert_eq!(module.source, "dir/a.c");
        // Not to be imported itself, but called by what may be.
        assert_eq!(module.promotable(b"foo"), Some(true));
        assert_eq!(module.promotable(b"odd name"), Some(false));
        assert_eq!(module.promotable(b"label"), Some(false));
        // The string ends like a definition with a section.
        assert_eq!(module.promotable(b"told"), Some(false));
        for name in [
            "kept here",
            "placed",
            "unused",
            "bar",
            "elsewhere",
            "nowhere",
        ] {
            assert_eq!(module.promotable(name.as_bytes()), None, "{name}");
        }
        // Only a table that nobody may import has it.
        assert_eq!(module.promotable(b"listed"), None);
    }

    #[test]
    fn knows_functions_and_variables_of_the_code() {
        let module = BitcodeNames::parse(TEXT.as_bytes());
        for name in ["foo", "bar", "elsewhere", "table", "odd name"] {
            assert!(module.has(name.as_bytes()), "{name}");
        }
        assert!(!module.has(b"nowhere"));
        assert!(!module.has(b"llvm.compiler.used"));
    }

    #[test]
    fn no_text_is_too_odd() {
        for text in [
            "@",
            "@\"",
            "define @",
            "^",
            "^1 = gv: (name: \"\\",
            "@\"\\0\" = internal",
            "\u{0}",
        ] {
            assert!(!BitcodeNames::parse(text.as_bytes()).has(b"nowhere"));
        }
    }
}
