// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Lines for people, folded to their terminal.

use anstyle::{AnsiColor, Style};
use klp_gen::shown::visible;
use std::fmt::{self, Write as _};
use std::io::{self, Write};
use textwrap::{Options, WordSeparator, WordSplitter, WrapAlgorithm};

/// The width below which nothing is folded.
const NARROWEST: usize = 40;

/// The kind of a piece of text, which decides how it looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// As it should be.
    Good,
    /// To be looked at.
    Doubtful,
    /// The answer is no.
    Bad,
    /// The text that a reader looks for.
    Heading,
    /// Text that a reader rarely needs.
    Aside,
}

/// The place for lines for people.
pub struct Page<'o> {
    out: &'o mut dyn Write,
    width: Option<usize>,
    colour: bool,
    /// The line as it was given: there may be a million, and each needs the same memory.
    given: String,
}

impl<'o> Page<'o> {
    /// A page of that width; without one, lines stay whole.
    pub fn new(out: &'o mut dyn Write, width: Option<usize>, colour: bool) -> Self {
        Self {
            out,
            width: width.filter(|width| *width >= NARROWEST),
            colour,
            given: String::new(),
        }
    }

    /// Writes one line.
    ///
    /// On a terminal, one that is too long goes on below, `indent` columns to the right. Nothing is
    /// cut, and it is only folded at spaces: a name stays in one piece, to be copied. Of what names
    /// in files have in them, nothing moves the cursor.
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
        // A tab is as wide as it likes.
        let text = text.replace('\t', " ");
        for line in textwrap::wrap(&text, options) {
            writeln!(self.out, "{line}")?;
        }
        Ok(())
    }

    /// `text` as it looks on this page. Given a width, it is padded to it.
    pub fn paint<T>(&self, look: Look, text: T) -> Painted<T> {
        let style = if self.colour {
            look.style()
        } else {
            Style::new()
        };
        Painted { style, text }
    }

    /// Returns the output behind the page, for text that is not for people.
    pub fn raw(&mut self) -> &mut dyn Write {
        self.out
    }
}

/// How long the style is, `ESC [ <numbers> m`, that `text` begins with.
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
