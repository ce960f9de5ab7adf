// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The symbols that a linker script defines.

use crate::elf::content::known;
use crate::elf::read_file;
use crate::error::{Error, Result};
use std::path::Path;

/// A linker script, such as the kernel's preprocessed `vmlinux.lds`.
#[derive(Debug)]
pub struct LinkerScript {
    /// What messages call it.
    pub origin: String,
    text: Vec<u8>,
}

/// A symbol that is given a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Assignment<'s> {
    /// The symbol.
    pub name: &'s [u8],
    /// The line, from 1.
    pub line: usize,
}

impl LinkerScript {
    /// Reads a script.
    ///
    /// # Errors
    ///
    /// It cannot be read, or is no text.
    pub fn open(path: &Path) -> Result<Self> {
        let (origin, text) = (path.display().to_string(), read_file(path)?);
        let found = known(&text[..]).or(text.contains(&0).then_some("something else"));
        match found {
            Some(found) => Err(Error::unsupported(
                &origin,
                format_args!("expected the text of a linker script, found {found}"),
            )),
            None => Ok(Self::new(origin, text)),
        }
    }

    /// A script that is there already.
    #[must_use]
    pub fn new(origin: String, text: Vec<u8>) -> Self {
        Self { origin, text }
    }

    /// What it defines: `name = …`, `name += …`, also in `PROVIDE()` and `HIDDEN()`.
    pub fn assignments(&self) -> impl Iterator<Item = Assignment<'_>> {
        let mut tokens = Tokens {
            rest: &self.text,
            line: 1,
        };
        let mut before: Option<Assignment<'_>> = None;
        let mut after_colon = false;
        std::iter::from_fn(move || loop {
            let (token, line) = tokens.next()?;
            let name = before.take();
            match token {
                Token::Assign => {
                    if let Some(name) = name.filter(|name| name.name != b".") {
                        return Some(name);
                    }
                }
                // `:text = 0xcc` is a program header and what fills it.
                Token::Name(name) if !after_colon => before = Some(Assignment { name, line }),
                _ => {}
            }
            after_colon = matches!(token, Token::Colon);
        })
    }
}

enum Token<'s> {
    Name(&'s [u8]),
    /// `=`, or an operator that ends with it and assigns.
    Assign,
    Colon,
    Other,
}

/// The operators that have a `=` in them, the longer ones first, and whether they assign.
const OPERATORS: [(&[u8], bool); 14] = [
    (b"<<=", true),
    (b">>=", true),
    (b"==", false),
    (b"<=", false),
    (b">=", false),
    (b"!=", false),
    (b"+=", true),
    (b"-=", true),
    (b"*=", true),
    (b"/=", true),
    (b"&=", true),
    (b"|=", true),
    (b"^=", true),
    (b"=", true),
];

struct Tokens<'s> {
    rest: &'s [u8],
    line: usize,
}

/// What a name consists of where no expression is expected: ld's lexer allows more than C's.
fn in_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte >= 0x80 || b"_.$~\\".contains(&byte)
}

impl<'s> Tokens<'s> {
    fn next(&mut self) -> Option<(Token<'s>, usize)> {
        self.skip_blanks();
        let line = self.line;
        let first = *self.rest.first()?;
        if in_name(first) {
            return Some((Token::Name(self.take_while(in_name)), line));
        }
        if first == b'"' {
            self.advance(1);
            let name = self.take_while(|byte| byte != b'"');
            self.advance(1);
            return Some((Token::Name(name), line));
        }
        let starts = |(operator, _): &&(&[u8], bool)| self.rest.starts_with(operator);
        let (length, token) = match OPERATORS.iter().find(starts) {
            Some((operator, true)) => (operator.len(), Token::Assign),
            Some((operator, false)) => (operator.len(), Token::Other),
            None if first == b':' => (1, Token::Colon),
            None => (1, Token::Other),
        };
        self.advance(length);
        Some((token, line))
    }

    /// Steps over white space, comments, and the line markers that a preprocessor leaves.
    fn skip_blanks(&mut self) {
        loop {
            let start = self.rest.len();
            self.take_while(|byte| byte.is_ascii_whitespace());
            if self.rest.starts_with(b"/*") {
                let end = self.rest.windows(2).skip(2).position(|w| w == b"*/");
                self.advance(end.map_or(self.rest.len(), |end| end + 4));
            } else if self.rest.starts_with(b"#") {
                self.take_while(|byte| byte != b'\n');
            }
            if self.rest.len() == start {
                break;
            }
        }
    }

    fn take_while(&mut self, wanted: impl Fn(u8) -> bool) -> &'s [u8] {
        let end = self.rest.iter().position(|&byte| !wanted(byte));
        self.advance(end.unwrap_or(self.rest.len()))
    }

    fn advance(&mut self, count: usize) -> &'s [u8] {
        let (taken, rest) = self.rest.split_at(count.min(self.rest.len()));
        self.rest = rest;
        self.line += taken.split(|&byte| byte == b'\n').count() - 1;
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<(String, usize)> {
        let script = LinkerScript::new("test.lds".to_owned(), text.into());
        let names = script.assignments();
        names
            .map(|a| (String::from_utf8_lossy(a.name).into_owned(), a.line))
            .collect()
    }

    #[test]
    fn every_form_of_an_assignment() {
        let text = "a = 1;\nPROVIDE(b = .); PROVIDE_HIDDEN ( c=a ) HIDDEN(d =-1);\n\
                    .text : AT(ADDR(.text) - 0x1000) { e = .; KEEP(*(.head.text)) f += 8; }:text =0xcc\n\
                    \"g h\" = 1; \"i\"=/* 1 */2;";
        let found: Vec<_> = names(text).into_iter().map(|(name, _)| name).collect();
        assert_eq!(found, ["a", "b", "c", "d", "e", "f", "g h", "i"]);
    }

    #[test]
    fn what_is_none() {
        let text = "/* a = 1; */ . = ALIGN(4); . += 3; ASSERT(b == 1, \"c = 2\") ASSERT(d <= 0x18, \"e\")\n\
                    # 1 \"f = g\"\n ASSERT(h != 2, \"\") ASSERT(i >= 3, \"\")\n\
                    .text : { *(.text) } :j = 0xcc";
        assert_eq!(names(text), []);
    }

    #[test]
    fn lines() {
        let text = "\n/* one\ntwo */\nfoo\n= 1;\n\"bar\" = 2;";
        assert_eq!(names(text), [("foo".to_owned(), 4), ("bar".to_owned(), 6)]);
    }
}
