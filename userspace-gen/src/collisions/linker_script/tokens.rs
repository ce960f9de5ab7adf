// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The words of a linker script.

/// A word, and its line, from 1.
pub(super) type TokenAt<'s> = (Token<'s>, usize);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token<'s> {
    /// A word, or a number.
    Name(&'s [u8]),
    /// A word in quotes: a name, or a message.
    Quoted(&'s [u8]),
    /// `=`, or an operator that ends with it and assigns.
    Assign,
    /// An operator that compares.
    Compare,
    /// Any other single byte, such as `(` and `;`.
    Byte(u8),
}

/// The operators that contain a `=`, the longer ones first; true for operators that assign.
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

#[derive(Clone, Debug)]
pub(super) struct Tokens<'s> {
    rest: &'s [u8],
    line: usize,
}

/// Returns true for the bytes of a name where no expression is expected: ld's lexer allows more bytes than C.
fn in_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte >= 0x80 || b"_.$~\\".contains(&byte)
}

impl<'s> Tokens<'s> {
    pub fn new(text: &'s [u8]) -> Self {
        Self {
            rest: text,
            line: 1,
        }
    }

    /// Reads the name of a file, which may contain more bytes than a symbol, and its line.
    pub fn path(&mut self) -> Option<(&'s [u8], usize)> {
        self.skip_blanks();
        let line = self.line;
        if self.rest.starts_with(b"\"") {
            return match self.next()? {
                (Token::Quoted(path), line) => Some((path, line)),
                _ => None,
            };
        }
        let path = self.take_while(|byte| !byte.is_ascii_whitespace() && byte != b';');
        (!path.is_empty()).then_some((path, line))
    }

    /// Skips white space, comments, and the preprocessor's line markers.
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

impl<'s> Iterator for Tokens<'s> {
    type Item = TokenAt<'s>;

    fn next(&mut self) -> Option<TokenAt<'s>> {
        self.skip_blanks();
        let line = self.line;
        let first = *self.rest.first()?;
        if in_name(first) {
            return Some((Token::Name(self.take_while(in_name)), line));
        }
        if first == b'"' {
            self.advance(1);
            let text = self.take_while(|byte| byte != b'"');
            self.advance(1);
            return Some((Token::Quoted(text), line));
        }
        let starts = |(operator, _): &&(&[u8], bool)| self.rest.starts_with(operator);
        let (length, token) = match OPERATORS.iter().find(starts) {
            Some((operator, true)) => (operator.len(), Token::Assign),
            Some((operator, false)) => (operator.len(), Token::Compare),
            None => (1, Token::Byte(first)),
        };
        self.advance(length);
        Some((token, line))
    }
}
