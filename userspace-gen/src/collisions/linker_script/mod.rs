// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The symbols that a linker script defines, and those to which it refers.
//!
//! The reader only understands enough of the language to tell a symbol from a section, a program header, a
//! memory region, and a function. `tokens.rs` reads the words.

mod tokens;

use crate::error::{Error, Result};
use crate::file::read_file;
use crate::file::sort::expect_text;
use crate::printable::shown;
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use tokens::{Token, Tokens};

/// A linker script, such as the kernel's preprocessed `vmlinux.lds`.
#[derive(Debug)]
pub struct LinkerScript {
    /// The name that messages have for the script.
    pub origin: String,
    text: Vec<u8>,
    /// True if the text is an option of the linker, which has no lines.
    is_option: bool,
}

/// A symbol in a linker script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScriptSymbol<'s> {
    /// The symbol.
    pub name: &'s [u8],
    /// The role of the symbol.
    pub role: Role,
    /// The line, from 1; none in an option of the linker.
    pub line: Option<usize>,
}

/// The role of a symbol in a linker script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// `name = …`, `name += …`, `HIDDEN(name = …)`: always defined, also if an object defines the name.
    Assigned,
    /// `PROVIDE(name = …)`, `PROVIDE_HIDDEN(name = …)`: defined if something refers to the name and no
    /// object defines it.
    Provided,
    /// A name in an expression, or in `ENTRY()` and `EXTERN()`.
    Referred,
}

impl LinkerScript {
    /// Reads a script, and the scripts that it names with `INCLUDE`.
    ///
    /// # Errors
    ///
    /// A file cannot be read, is no text, or has not been preprocessed.
    pub fn open(path: &Path) -> Result<Vec<Self>> {
        let mut scripts = Vec::new();
        let mut seen = BTreeSet::from([path.to_owned()]);
        let mut left = vec![(path.to_owned(), None::<String>)];
        while let Some((path, by)) = left.pop() {
            let origin = path.display().to_string();
            let text = read_file(&path).map_err(|error| match &by {
                // The linker also searches from its current directory.
                Some(by) => error.behind(&format_args!("{by}: INCLUDE")),
                None => error,
            })?;
            let script = Self::new(origin.clone(), text);
            script.expect_preprocessed_text()?;
            for (name, line) in script.includes() {
                let path = PathBuf::from(OsStr::from_bytes(name));
                if seen.insert(path.clone()) {
                    left.push((path, Some(format!("{origin}:{line}"))));
                }
            }
            scripts.push(script);
        }
        Ok(scripts)
    }

    /// Returns the script with a text.
    #[must_use]
    pub fn new(origin: String, text: Vec<u8>) -> Self {
        Self {
            origin,
            text,
            is_option: false,
        }
    }

    /// Returns the linker's option `--defsym=NAME=EXPRESSION` as a script.
    ///
    /// # Errors
    ///
    /// The option does not begin with `NAME=`.
    pub fn defsym(option: &str) -> Result<Self> {
        let origin = format!("--defsym={option}");
        let script = Self {
            text: option.as_bytes().to_vec(),
            is_option: true,
            origin,
        };
        match Tokens::new(&script.text).nth(1) {
            Some((Token::Assign, _)) => Ok(script),
            _ => Err(Error::refused(
                &script.origin,
                "expected NAME=EXPRESSION, as ld takes it",
            )),
        }
    }

    /// Returns the symbols of the script in its order.
    #[must_use]
    pub fn symbols(&self) -> Vec<ScriptSymbol<'_>> {
        self.parsed().symbols
    }

    /// Returns the files that the script includes, with their lines.
    fn includes(&self) -> Vec<(&[u8], usize)> {
        self.parsed().includes
    }

    fn parsed(&self) -> Parser<'_> {
        let mut parser = Parser {
            tokens: Tokens::new(&self.text),
            is_option: self.is_option,
            symbols: Vec::new(),
            includes: Vec::new(),
        };
        parser.statements();
        parser
    }

    /// Refuses a script that a linker could not read.
    fn expect_preprocessed_text(&self) -> Result<()> {
        expect_text(&self.origin, "the text of a linker script", &self.text)?;
        let lines = self.text.split(|&byte| byte == b'\n');
        for (number, line) in (1..).zip(lines) {
            if is_directive(line) {
                let (origin, line) = (format!("{}:{number}", self.origin), shown(line));
                let what = format_args!(
                    "expected a preprocessed linker script, found '{line}' (give the file that the \
                     build makes of it: vmlinux.lds, not vmlinux.lds.S)"
                );
                return Err(Error::unsupported(&origin, what));
            }
        }
        Ok(())
    }
}

/// Returns true if a line is a directive of the C preprocessor. Line markers (`# 1 "file"`) are not.
fn is_directive(line: &[u8]) -> bool {
    let Some(line) = line.trim_ascii_start().strip_prefix(b"#") else {
        return false;
    };
    let word = line.trim_ascii_start();
    let end = word.iter().position(|byte| !byte.is_ascii_alphabetic());
    let words: [&[u8]; 5] = [b"include", b"define", b"if", b"ifdef", b"ifndef"];
    words.contains(&&word[..end.unwrap_or(word.len())])
}

struct Parser<'s> {
    tokens: Tokens<'s>,
    is_option: bool,
    symbols: Vec<ScriptSymbol<'s>>,
    includes: Vec<(&'s [u8], usize)>,
}

impl<'s> Parser<'s> {
    /// Reads all commands, and the contents of `SECTIONS`, which have the same form.
    fn statements(&mut self) {
        let mut before: Option<(&'s [u8], usize)> = None;
        let mut is_place = false;
        while let Some((token, line)) = self.tokens.next() {
            let name = before.take();
            match token {
                Token::Name(b"PROVIDE" | b"PROVIDE_HIDDEN") if self.opens(b'(') => {
                    self.in_parentheses(Role::Provided);
                }
                Token::Name(b"HIDDEN") if self.opens(b'(') => self.in_parentheses(Role::Assigned),
                Token::Name(
                    b"ASSERT" | b"ENTRY" | b"EXTERN" | b"AT" | b"BYTE" | b"SHORT" | b"LONG"
                    | b"QUAD" | b"SQUAD",
                ) if self.opens(b'(') => self.expression(),
                // Regions have `ORIGIN = …`, `LENGTH = …`.
                Token::Name(b"MEMORY") if self.opens(b'{') => self.skip_group(),
                Token::Name(b"INCLUDE") => self.includes.extend(self.tokens.path()),
                // `:text` is a program header, `>ram` a region, and `=0xcc` behind them a fill value.
                Token::Name(name) | Token::Quoted(name) if !is_place => before = Some((name, line)),
                Token::Assign => {
                    if let Some((name, line)) = name {
                        self.add(name, Role::Assigned, line);
                        self.expression();
                    }
                }
                _ => {}
            }
            is_place = matches!(token, Token::Byte(b':' | b'>'));
        }
    }

    /// Reads `name = …)`.
    fn in_parentheses(&mut self, role: Role) {
        let Some((Token::Name(name) | Token::Quoted(name), line)) = self.tokens.next() else {
            return;
        };
        if let Some((Token::Assign, _)) = self.tokens.next() {
            self.add(name, role, line);
            self.expression();
        }
    }

    /// Reads up to the `;` or the bracket that ends an expression.
    fn expression(&mut self) {
        let mut depth = 0_usize;
        let mut before = None;
        while let Some((token, line)) = self.tokens.next() {
            match token {
                // The argument of these functions is a section or a region.
                Token::Name(
                    b"ADDR" | b"ALIGNOF" | b"CONSTANT" | b"LENGTH" | b"LOADADDR" | b"ORIGIN"
                    | b"SIZEOF",
                ) if self.opens(b'(') => self.skip_group(),
                Token::Name(name) if !self.is_next(b'(') => self.add(name, Role::Referred, line),
                // The message of ASSERT() is behind a comma.
                Token::Quoted(name) if before != Some(Token::Byte(b',')) => {
                    self.add(name, Role::Referred, line);
                }
                Token::Byte(b'(') => depth += 1,
                Token::Byte(b')') if depth > 0 => depth -= 1,
                Token::Byte(b';' | b')' | b'{' | b'}') => return,
                _ => {}
            }
            before = Some(token);
        }
    }

    /// Skips all words up to the closing bracket.
    fn skip_group(&mut self) {
        let mut depth = 1_usize;
        for (token, _) in self.tokens.by_ref() {
            match token {
                Token::Byte(b'(' | b'{') => depth += 1,
                Token::Byte(b')' | b'}') => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return;
            }
        }
    }

    fn add(&mut self, name: &'s [u8], role: Role, line: usize) {
        let is_number = name.first().is_some_and(u8::is_ascii_digit);
        if name != b"." && !is_number {
            let line = (!self.is_option).then_some(line);
            self.symbols.push(ScriptSymbol { name, role, line });
        }
    }

    fn is_next(&self, byte: u8) -> bool {
        let next = self.tokens.clone().next();
        next.is_some_and(|(token, _)| token == Token::Byte(byte))
    }

    /// Skips a bracket, if it is the next word.
    fn opens(&mut self, bracket: u8) -> bool {
        let next = self.is_next(bracket);
        if next {
            self.tokens.next();
        }
        next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn symbols(text: &str, wanted: Role) -> Vec<String> {
        let script = LinkerScript::new("test.lds".to_owned(), text.into());
        let symbols = script.symbols().into_iter().filter(|s| s.role == wanted);
        symbols
            .map(|s| String::from_utf8_lossy(s.name).into_owned())
            .collect()
    }

    #[test]
    fn every_form_of_an_assignment() {
        let text = "a = 1;\nHIDDEN(b =-1);\n\
                    .text : AT(ADDR(.text) - 0x1000) { c = .; KEEP(*(.head.text)) d += 8; }:text =0xcc\n\
                    \"e f\" = 1; \"g\"=/* 1 */2; h = DEFINED(h) ? h : 1; i <<= 1; } >ram AT>rom =0 j=k;";
        assert_eq!(
            symbols(text, Role::Assigned),
            ["a", "b", "c", "d", "e f", "g", "h", "i", "j"]
        );
    }

    #[test]
    fn what_is_provided() {
        let text = "PROVIDE(a = .); PROVIDE_HIDDEN ( b=(c) ) PROVIDE(\"d\" = 1) PROVIDE = 1; \
                    .text : { PROVIDE(e = .); f = .; }";
        assert_eq!(symbols(text, Role::Provided), ["a", "b", "d", "e"]);
        assert_eq!(symbols(text, Role::Assigned), ["PROVIDE", "f"]);
    }

    #[test]
    fn what_is_referred_to() {
        let text = "ENTRY(a) EXTERN(b c, d)\n x = ABSOLUTE(e + 4) + SIZEOF(.text) - ADDR(no) ? f : \"g\";\n\
                    ASSERT(h <= (i - 0x10), \"y = z\") . = ASSERT((0), \"no\"); PROVIDE(y = (j)); . = ALIGN(k) + SIZEOF(no);\n\
                    .text : AT(ADDR(.text) - l) { LONG(m - n) *(no) no.o(.text) } :no\n\
                    z = CONSTANT(MAXPAGESIZE) + DEFINED(o);";
        let names: Vec<_> = ('a'..='o').map(String::from).collect();
        assert_eq!(symbols(text, Role::Referred), names);
    }

    #[test]
    fn finds_no_symbols_in_comments_and_layouts() {
        let text = "/* a = 1; */ . = ALIGN(4); . += 3; ASSERT(1 == 1, \"c = 2\") ASSERT(0 <= 0x18, \"e\")\n\
                    # 1 \"f = g\"\n ASSERT(1 != 2, \"\") ASSERT(1 >= 3, \"\") INCLUDE a-b/c.lds\n\
                    MEMORY { ram (rwx) : ORIGIN = 0, LENGTH = 4M } PHDRS { text PT_LOAD FLAGS(5); }\n\
                    .text : { *(.text) } :j = 0xcc .data : { *(.data) } >ram :k =0";
        for role in [Role::Assigned, Role::Provided, Role::Referred] {
            assert_eq!(symbols(text, role), [""; 0], "{role:?}");
        }
    }

    #[test]
    fn lines() {
        let text = "\n/* one\ntwo */\nfoo\n= 1;\n\"bar\" = 2;\nINCLUDE \"a b\"\nINCLUDE c/d-e.lds;";
        let script = LinkerScript::new("test.lds".to_owned(), text.into());
        let lines: Vec<_> = script.symbols().iter().map(|s| (s.name, s.line)).collect();
        assert_eq!(lines, [(&b"foo"[..], Some(4)), (b"bar", Some(6))]);
        assert_eq!(script.includes(), [(&b"a b"[..], 7), (b"c/d-e.lds", 8)]);
    }

    #[test]
    fn an_option_of_the_linker() {
        let script = LinkerScript::defsym("foo=bar + 1").unwrap();
        let found: Vec<_> = script
            .symbols()
            .iter()
            .map(|s| (s.name, s.role, s.line))
            .collect();
        let expected = [
            (&b"foo"[..], Role::Assigned, None),
            (b"bar", Role::Referred, None),
        ];
        assert_eq!(found, expected);
        for option in ["foo", "", "=bar", "foo-bar=1"] {
            assert!(LinkerScript::defsym(option).is_err(), "{option}");
        }
    }

    #[test]
    fn no_text_is_too_odd() {
        for text in [
            "PROVIDE(",
            "PROVIDE(a",
            "PROVIDE(=",
            "ASSERT((",
            "MEMORY { (",
            "INCLUDE",
            "a =",
            "\"",
            "/*",
            "= =",
        ] {
            assert!(symbols(text, Role::Provided).is_empty(), "{text}");
        }
    }

    #[test]
    fn directives() {
        for line in ["#include <a.h>", " # ifdef B", "#if 1", "#define C"] {
            assert!(is_directive(line.as_bytes()), "{line}");
        }
        for line in ["# 1 \"a.h\"", "#", "# included by a.h", "include", "#iffy"] {
            assert!(!is_directive(line.as_bytes()), "{line}");
        }
    }
}
