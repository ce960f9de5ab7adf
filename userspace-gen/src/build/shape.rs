// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The braces and comments of C, line by line.

/// The shape of a line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    /// True if the line begins in a comment.
    pub begins_in_comment: bool,
    /// True if the line ends in a comment, or if a string or a comment goes on because of a backslash.
    pub ends_open: bool,
    /// The braces of its code in order: true for one that opens a block.
    pub braces: Vec<bool>,
}

/// The part of the language that a place of a text is in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Code,
    /// A string or a character, with the byte that ends it.
    Quoted(u8),
    Line,
    Block,
}

/// Returns the shapes of the lines of a C file.
#[must_use]
pub fn shapes(text: &[u8]) -> Vec<Shape> {
    let mut state = State::Code;
    let mut shapes = Vec::new();
    for line in text.split_inclusive(|&b| b == b'\n') {
        let mut shape = Shape {
            begins_in_comment: state != State::Code,
            ..Shape::default()
        };
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let mut at = 0;
        while let Some(&byte) = line.get(at) {
            at += 1;
            let next = line.get(at).copied();
            state = match (state, byte, next) {
                (State::Code, b'/', Some(b'/')) => State::Line,
                (State::Code, b'/', Some(b'*')) => {
                    at += 1;
                    State::Block
                }
                (State::Code, b'"' | b'\'', _) => State::Quoted(byte),
                (State::Code, b'{' | b'}', _) => {
                    shape.braces.push(byte == b'{');
                    State::Code
                }
                (State::Quoted(_), b'\\', _) => {
                    at += 1;
                    state
                }
                (State::Quoted(end), _, _) if byte == end => State::Code,
                (State::Block, b'*', Some(b'/')) => {
                    at += 1;
                    State::Code
                }
                _ => state,
            };
        }
        // Nothing but a backslash lets a string, or a comment of one line, go on.
        if state != State::Block && !line.ends_with(b"\\") {
            state = State::Code;
        }
        shape.ends_open = state != State::Code;
        shapes.push(shape);
    }
    shapes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn braces_in_strings_and_comments_do_not_count() {
        let text =
            b"if (x) { /* { */ f(\"}\\\"{\", '{'); // {\n} /*\n}\n*/ {\n// a \\\n}\n\"a \\\n}\";\n";
        let braces: Vec<_> = shapes(text).into_iter().map(|s| s.braces).collect();
        let none = Vec::new;
        let expected = [
            vec![true],
            vec![false],
            none(),
            vec![true],
            none(),
            none(),
            none(),
            none(),
        ];
        assert_eq!(braces, expected);
        let open: Vec<_> = shapes(text)
            .iter()
            .map(|s| (s.begins_in_comment, s.ends_open))
            .collect();
        let (no, yes) = (false, true);
        assert_eq!(
            open,
            [
                (no, no),
                (no, yes),
                (yes, yes),
                (yes, no),
                (no, yes),
                (yes, no),
                (no, yes),
                (yes, no)
            ]
        );
    }
}
