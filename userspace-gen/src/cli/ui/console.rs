// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The outputs for answers and messages: stdout and stderr, each a terminal or not.

use super::page::Page;
use super::verdict::Verdict;
use crate::cli::options::rule;
use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};
use anyhow::{Context as _, Result};
use klp_gen::shown::visible;
use klp_gen::target::Target;
use klp_policy::Policy;
use serde::Serialize;
use std::fmt;
use std::io::{self, BufWriter, IsTerminal as _, Write};
use std::time::Instant;

/// The options of every command that say how much is printed, and how.
#[derive(Clone, Copy, Debug, clap::Args)]
#[command(next_help_heading = "Output")]
pub struct Options {
    /// Print only what makes the exit status 1 or 2: no notes, no warnings, nothing that is right
    #[arg(short, long, global = true)]
    quiet: bool,

    /// Say on stderr what was read, by which rule it was compared, and how long it took
    #[arg(short, long, global = true, conflicts_with = "quiet")]
    verbose: bool,

    /// When to use colour; auto is on a terminal, unless `NO_COLOR` is set
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    color: clap::ColorChoice,
}

/// The outputs for answers and messages.
#[derive(Debug)]
pub struct Console {
    options: Options,
    colour: ColorChoice,
    started: Instant,
}

impl Console {
    /// Returns the console that `options` ask for.
    pub fn new(options: Options) -> Self {
        Self {
            options,
            colour: match options.color {
                clap::ColorChoice::Auto => ColorChoice::Auto,
                clap::ColorChoice::Always => ColorChoice::Always,
                clap::ColorChoice::Never => ColorChoice::Never,
            },
            started: Instant::now(),
        }
    }

    /// Returns whether only errors and refusals are printed.
    pub fn is_quiet(&self) -> bool {
        self.options.quiet
    }

    /// How many rows to print of those that are right: all of them, or none.
    pub fn rows(&self) -> usize {
        if self.is_quiet() {
            0
        } else {
            usize::MAX
        }
    }

    /// Prints an answer for people.
    ///
    /// That the reader of stdout has gone, as in `klp-gen symbols | head`, is no error: it has seen
    /// enough, and the exit status still says what the answer is.
    pub fn table(&self, write: impl FnOnce(&mut Page<'_>) -> io::Result<()>) -> Result<()> {
        let stdout = io::stdout().lock();
        let colour = match self.colour {
            ColorChoice::Auto => AutoStream::choice(&stdout),
            choice => choice,
        };
        let width = stdout.is_terminal().then(terminal_size::terminal_size);
        let width = width.flatten().map(|(width, _)| usize::from(width.0));
        let mut out = BufWriter::with_capacity(1 << 16, stdout);
        let written = write(&mut Page::new(
            &mut out,
            width,
            colour != ColorChoice::Never,
        ));
        match written.and_then(|()| out.flush()) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            done => done.context("cannot write to stdout"),
        }
    }

    /// Prints an answer for programs: a JSON array, one row on each line.
    pub fn json<T: Serialize>(&self, rows: impl Iterator<Item = T>) -> Result<()> {
        self.table(|page| {
            let out = page.raw();
            out.write_all(b"[")?;
            for (i, row) in rows.enumerate() {
                out.write_all(if i == 0 { b"\n" } else { b",\n" })?;
                serde_json::to_writer(&mut *out, &row)?;
            }
            out.write_all(b"\n]\n")
        })
    }

    /// Prints an answer for programs that is one object.
    pub fn object<T: Serialize>(&self, answer: &T) -> Result<()> {
        self.table(|page| {
            let out = page.raw();
            serde_json::to_writer(&mut *out, answer)?;
            out.write_all(b"\n")
        })
    }

    /// Says which step of a long command is done.
    pub fn step(&self, text: &dyn fmt::Display) {
        if !self.is_quiet() {
            self.message(AnsiColor::Green, "", text);
        }
    }

    /// Says why the answer is no, or why there is none.
    pub fn error(&self, text: &dyn fmt::Display) {
        self.message(AnsiColor::Red, "", text);
    }

    /// Says what somebody may not have meant.
    pub fn warning(&self, text: &dyn fmt::Display) {
        if !self.options.quiet {
            self.message(AnsiColor::Yellow, "warning: ", text);
        }
    }

    /// Says what is good to know.
    pub fn note(&self, text: &dyn fmt::Display) {
        if !self.options.quiet {
            self.message(AnsiColor::Cyan, "note: ", text);
        }
    }

    /// Says what was done, to those who want to know.
    pub fn detail(&self, text: &dyn fmt::Display) {
        if self.options.verbose {
            self.note(text);
        }
    }

    /// Says what the answer will be about.
    pub fn target(&self, target: &Target<'_>, policy: Option<Policy>) {
        for object in target.objects() {
            let (name, origin) = (object.name, &object.origin);
            let symbols = object.symbols.entries().len();
            self.detail(&format_args!("{name}: {symbols} symbols from {origin}"));
        }
        if let Some(policy) = policy {
            let rule = rule::in_words(policy);
            self.detail(&format_args!(
                "names are compared as by {rule} (--policy {policy})"
            ));
        }
        let read = self.started.elapsed().as_secs_f64();
        self.detail(&format_args!("all of it was read after {read:.3} s"));
    }

    /// Warns of files that are not of the same build.
    pub fn mismatches(&self, target: &Target<'_>) {
        for (origin, what) in target.mismatches() {
            self.warning(&format_args!("target {origin}: {what}"));
        }
    }

    /// Says what the exit status will be.
    pub fn finish(&self, verdict: Verdict) {
        let (status, took) = (verdict as u8, self.started.elapsed().as_secs_f64());
        self.detail(&format_args!("exit status {status} after {took:.3} s"));
    }

    /// Prints a message on stderr. If that cannot be written to, nobody can be told.
    fn message(&self, colour: AnsiColor, kind: &str, text: &dyn fmt::Display) {
        let text = text.to_string();
        let text = visible(&text, |rest| usize::from(rest.starts_with(['\n', '\t'])));
        let style = Style::new().fg_color(Some(colour.into())).bold();
        let mut stderr = AutoStream::new(io::stderr(), self.colour);
        let _ = writeln!(stderr, "{style}klp-gen: {kind}{style:#}{text}");
    }
}
