// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Text output, with lines that are folded to the terminal's width.

use anstyle::{AnsiColor, Style};
use klp_gen::printable::visible;
use std::fmt::{self, Write as _};
use std::io::{self, Write};
use textwrap::{Options, WordSeparator, WordSplitter, WrapAlgorithm};

/// The width below which lines are not folded.
const NARROWEST: usize = 40;

/// The kind of a piece of text, which decides its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// A good result.
    Good,
    /// A result that a reader should check.
    Doubtful,
    /// A refusal or an error.
    Bad,
    /// The most important text.
    Heading,
    /// Text that a reader rarely needs.
    Aside,
}

/// An output for lines of text.
pub struct Page<'o> {
    out: &'o mut dyn Write,
    width: Option<usize>,
    colour: bool,
    /// The buffer for a line, which all lines share.
    given: String,
}

impl<'o> Page<'o> {
    /// Returns a page of a width; without a width, lines are not folded.
    pub fn new(out: &'o mut dyn Write, width: Option<usize>, colour: bool) -> Self {
        Self {
            out,
            width: width.filter(|width| *width >= NARROWEST),
            colour,
            given: String::new(),
        }
    }

    /// Writes a line.
    ///
    /// On a terminal, a line that is too long is folded, and goes on below, `indent` columns to the right.
    /// A line is only folded at spaces and never cut, so that a name can be copied. Control characters in
    /// names are escaped.
    pub fn line(&mut self, indent: usize, text: fmt::Arguments<'_>) -> io::Result<()> {
        self.given.clear();
        // Writing to a string does not fail.
        let _ = self.given.write_fmt(text);
        let colour = self.colour;
        let text = visible(&self.given, |rest| match rest.as_bytes() {
            [b'\t', ..] => 1,
            _ if colour => style_len(rest),
            _ => 0,
        });
        let Some(width) = self.width else {
            self.out.write_all(text.as_bytes())?;
            return self.out.write_all(b"\n");
        };
        let spaces = " ".repeat(indent);
        let options = Options::new(width)
            .subsequent_indent(&spaces)
            .break_words(false)
            .word_separator(WordSeparator::AsciiSpace)
            .word_splitter(WordSplitter::NoHyphenation)
            .wrap_algorithm(WrapAlgorithm::FirstFit);
        // The width of a tab is not known.
        let text = text.replace('\t', " ");
        for line in textwrap::wrap(&text, options) {
            writeln!(self.out, "{line}")?;
        }
        Ok(())
    }

    /// Returns `text` with the colour of `look`. It is padded to the width of the format.
    pub fn paint<T>(&self, look: Look, text: T) -> Painted<T> {
        let style = if self.colour {
            look.style()
        } else {
            Style::new()
        };
        Painted { style, text }
    }

    /// Returns the output behind the page, for raw text.
    pub fn raw(&mut self) -> &mut dyn Write {
        self.out
    }
}

/// Returns the length of the style (`ESC [ <numbers> m`) at the beginning of `text`.
fn style_len(text: &str) -> usize {
    let Some(rest) = text.strip_prefix("\x1b[") else {
        return 0;
    };
    let numbers = rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';');
    if numbers.starts_with('m') {
        text.len() - numbers.len() + 1
    } else {
        0
    }
}

impl Look {
    fn style(self) -> Style {
        let colour = |colour: AnsiColor| Style::new().fg_color(Some(colour.into()));
        match self {
            Self::Good => colour(AnsiColor::Green),
            Self::Doubtful => colour(AnsiColor::Yellow),
            Self::Bad => colour(AnsiColor::Red).bold(),
            Self::Heading => Style::new().bold(),
            Self::Aside => Style::new().dimmed(),
        }
    }
}

/// Text with a style around it.
#[derive(Clone, Copy, Debug)]
pub struct Painted<T> {
    style: Style,
    text: T,
}

impl<T: fmt::Display> fmt::Display for Painted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let style = self.style;
        if style.is_plain() {
            return self.text.fmt(f);
        }
        write!(f, "{style}")?;
        self.text.fmt(f)?;
        write!(f, "{style:#}")
    }
}
