// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The declaration of a static local in the text of a C file, and the block around it.

use crate::build::lines::has_line_directive;
use crate::build::shape::{shapes, Shape};
use memchr::memmem;
use std::ops::RangeInclusive;

/// The place of a declaration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Declared {
    /// In a block that the patch adds, or with a line that it adds.
    New,
    /// Outside of functions.
    File,
    /// In the body of its function, not in a block of it.
    Body,
    /// At a line of the original file; the first is 1.
    Line(usize),
}

/// Returns where a static local is declared that the compiler places at line `number` of a file; the first is 1.
///
/// Returns nothing if more is on the line than the declaration, or if the file gives its lines other numbers.
#[must_use]
pub fn declared(text: &[u8], number: usize, variable: &[u8]) -> Option<Declared> {
    let line = number.checked_sub(1)?;
    let file = CText::new(text);
    if has_line_directive(text) || !file.declares(line, variable) {
        return None;
    }
    Some(match file.block(line) {
        Some(Block::Body) => Declared::Body,
        _ => Declared::Line(number),
    })
}

/// The lines of a C file.
#[derive(Debug)]
pub struct CText<'t> {
    lines: Vec<&'t [u8]>,
    shapes: Vec<Shape>,
}

/// The block of a declaration.
#[derive(Debug, PartialEq, Eq)]
pub enum Block {
    /// The body of a function. C allows one variable of a name there.
    Body,
    /// A block in it, from the line with its first brace to the line with its last.
    Inner(RangeInclusive<usize>),
}

impl<'t> CText<'t> {
    /// Splits a text into lines.
    #[must_use]
    pub fn new(text: &'t [u8]) -> Self {
        Self {
            lines: text.split_inclusive(|&b| b == b'\n').collect(),
            shapes: shapes(text),
        }
    }

    /// Returns true if a line is the declaration of a static variable and nothing else, so that no macro and no second
    /// declaration is on it. The first line is 0.
    #[must_use]
    pub fn declares(&self, line: usize, variable: &[u8]) -> bool {
        let (Some(text), Some(shape)) = (self.lines.get(line), self.shapes.get(line)) else {
            return false;
        };
        let text = text.trim_ascii();
        let has = |byte: u8| memchr::memchr_iter(byte, text).count();
        let is_name = |b: Option<&u8>| b.is_some_and(|&b| b == b'_' || b.is_ascii_alphanumeric());
        let mut words = memmem::find_iter(text, variable).filter(|&at| {
            let before = at.checked_sub(1).and_then(|at| text.get(at));
            !is_name(before) && !is_name(text.get(at + variable.len()))
        });
        text.starts_with(b"static ")
            && text.ends_with(b";")
            && has(b';') == 1
            && has(b'{') + has(b'/') == 0
            && words.next().is_some()
            && !shape.begins_in_comment
    }

    /// Returns the innermost block around a line; nothing if a directive is in the way.
    #[must_use]
    pub fn block(&self, line: usize) -> Option<Block> {
        let first = self.edge((0..line).rev(), false)?;
        if self.lines.get(first)?.trim_ascii_end() == b"{" {
            return Some(Block::Body);
        }
        let last = self.edge(line + 1..self.lines.len(), true)?;
        Some(Block::Inner(first..=last))
    }

    /// Returns true if the lines of a block are in the file once.
    #[must_use]
    pub fn is_unique(&self, block: &RangeInclusive<usize>) -> bool {
        let Some(wanted) = self.lines.get(block.clone()) else {
            return false;
        };
        let mut same = self.lines.windows(wanted.len());
        let is_same = |lines: &&[&[u8]]| {
            let mut lines = lines.iter().zip(wanted);
            lines.all(|(line, wanted)| line.trim_ascii() == wanted.trim_ascii())
        };
        same.by_ref().find(is_same).is_some() && same.find(is_same).is_none()
    }

    /// Returns the first line, in that order, with a brace that no other one on the way belongs to.
    fn edge(&self, lines: impl Iterator<Item = usize>, is_end: bool) -> Option<usize> {
        let mut depth = 0_usize;
        for line in lines {
            let shape = self.shapes.get(line)?;
            let is_directive = self.lines.get(line)?.trim_ascii_start().starts_with(b"#");
            if is_directive && !shape.begins_in_comment {
                return None;
            }
            let mut braces: Vec<_> = shape.braces.iter().map(|&opens| opens != is_end).collect();
            if !is_end {
                braces.reverse();
            }
            for is_outwards in braces {
                if !is_outwards {
                    depth += 1;
                } else if depth == 0 {
                    return Some(line);
                } else {
                    depth -= 1;
                }
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &[u8] = b"int f(int y)\n{\n\tstatic int x;\n\n\tif (y) {\n\t\tstatic int x = 1;\n\n\t\tif (x) { g(); }\n\
        \t} else {\n\t\tstatic int x;\n#ifdef A\n\t\tg();\n#endif\n\t}\n}\n";

    #[test]
    fn the_block_of_a_declaration() {
        let text = CText::new(FILE);
        assert_eq!(text.block(2), Some(Block::Body));
        assert_eq!(text.block(5), Some(Block::Inner(4..=8)));
        // A directive is in the block.
        assert_eq!(text.block(9), None);
        assert_eq!(text.block(0), None);
    }

    #[test]
    fn a_block_that_is_there_twice() {
        let text = CText::new(b"if (x) {\n\ty;\n}\n\tif (x) {\n\t\ty;\n\t}\nif (z) {\n\ty;\n}\n");
        assert!(!text.is_unique(&(0..=2)));
        assert!(text.is_unique(&(6..=8)));
        assert!(!text.is_unique(&(7..=8)));
        assert!(!text.is_unique(&(8..=9)));
    }

    #[test]
    fn a_line_that_declares_one_variable() {
        let declares = |line: &str| CText::new(line.as_bytes()).declares(0, b"x");
        for line in [
            "static int x;\n",
            "\tstatic struct a *x = &b;\n",
            "\tstatic u8 x[4];",
        ] {
            assert!(declares(line), "{line}");
        }
        for line in [
            "\tstatic int xy;\n",
            "\tstatic int x; COUNT\n",
            "\tCOUNT static int x;\n",
            "\tif (y) { static int x; }\n",
            "\tstatic int x; static int z;\n",
            "\tstatic int x = /* 1 */ 2;\n",
            "\tstatic int x =\n",
        ] {
            assert!(!declares(line), "{line}");
        }
    }
}
