// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The outputs for answers and messages: stdout and stderr. Each may be a terminal.

use super::page::Page;
use super::verdict::Verdict;
use crate::cli::options::rule;
use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};
use anyhow::{Context as _, Result};
use klp_gen::printable::visible;
use klp_gen::target::Target;
use klp_policy::Policy;
use serde::Serialize;
use std::fmt;
use std::io::{self, BufWriter, IsTerminal as _, Write};
use std::time::Instant;

/// The options of every command for the amount and the colour of the output.
#[derive(Clone, Copy, Debug, clap::Args)]
#[command(next_help_heading = "Output")]
pub struct Options {
    /// Print only errors, refusals and unchecked findings
    #[arg(short, long, global = true)]
    quiet: bool,

    /// Print on stderr the files that were read, the rule, and the time
    #[arg(short, long, global = true, conflicts_with = "quiet")]
    verbose: bool,

    /// When to use colour; auto means on a terminal, unless `NO_COLOR` is set
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
    /// Returns the console for `options`.
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

    /// Returns true if only errors, refusals and unchecked findings are printed.
    pub fn is_quiet(&self) -> bool {
        self.options.quiet
    }

    /// Returns the rows to print for resolved names: all of them, or none with `--quiet`.
    pub fn rows<R: IntoIterator>(&self, rows: R) -> impl Iterator<Item = R::Item> {
        let printed = (!self.is_quiet()).then_some(rows);
        printed.into_iter().flatten()
    }

    /// Prints an answer as text.
    ///
    /// It is no error if the reader of stdout has ended, as in `klp-gen symbols | head`. The exit status is
    /// that of the whole answer.
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

    /// Prints an answer as a JSON array, one row on each line.
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

    /// Prints an answer as a JSON object.
    pub fn object<T: Serialize>(&self, answer: &T) -> Result<()> {
        self.table(|page| {
            let out = page.raw();
            serde_json::to_writer(&mut *out, answer)?;
            out.write_all(b"\n")
        })
    }

    /// Prints a step of a long command.
    pub fn step(&self, text: &dyn fmt::Display) {
        if !self.is_quiet() {
            self.message(AnsiColor::Green, "", text);
        }
    }

    /// Prints an error, or the reason for a refusal.
    pub fn error(&self, text: &dyn fmt::Display) {
        self.message(AnsiColor::Red, "", text);
    }

    /// Prints a warning: suspicious input.
    pub fn warning(&self, text: &dyn fmt::Display) {
        if !self.options.quiet {
            self.message(AnsiColor::Yellow, "warning: ", text);
        }
    }

    /// Prints a note: useful information.
    pub fn note(&self, text: &dyn fmt::Display) {
        if !self.options.quiet {
            self.message(AnsiColor::Cyan, "note: ", text);
        }
    }

    /// Prints a detail, with `--verbose`.
    pub fn detail(&self, text: &dyn fmt::Display) {
        if self.options.verbose {
            self.note(text);
        }
    }

    /// Prints a note if the release of the kernel is not known, and with `--verbose` the objects of the target, the release
    /// and the rule. `livepatch` is the version magic of the livepatch, if the command has one: it tells the release if the
    /// target does not.
    pub fn target(&self, target: &Target<'_>, livepatch: Option<&[u8]>, policy: Option<Policy>) {
        for object in target.objects() {
            let (name, origin) = (object.name, &object.origin);
            let symbols = object.symbols.entries().len();
            self.detail(&format_args!("{name}: {symbols} symbols from {origin}"));
        }
        let release = target.release(livepatch).number;
        self.detail(&format_args!("the kernel is judged as Linux {release}"));
        if let Some(note) = target.release_note(livepatch) {
            self.note(&note);
        }
        if let Some(policy) = policy {
            let rule = rule::in_words(policy);
            self.detail(&format_args!(
                "names are compared as by {rule} (--policy {policy})"
            ));
        }
        let read = self.started.elapsed().as_secs_f64();
        self.detail(&format_args!("all files were read after {read:.3} s"));
    }

    /// Prints warnings for files that are not of the same build.
    pub fn mismatches(&self, target: &Target<'_>) {
        for (origin, what) in target.mismatches() {
            self.warning(&format_args!("target {origin}: {what}"));
        }
    }

    /// Prints the exit status and the time, with `--verbose`.
    pub fn finish(&self, verdict: Verdict) {
        let (status, took) = (verdict as u8, self.started.elapsed().as_secs_f64());
        self.detail(&format_args!("exit status {status} after {took:.3} s"));
    }

    /// Prints a message on stderr. An error of stderr is ignored, because it cannot be reported.
    fn message(&self, colour: AnsiColor, kind: &str, text: &dyn fmt::Display) {
        let text = text.to_string();
        let text = visible(&text, |rest| usize::from(rest.starts_with(['\n', '\t'])));
        let style = Style::new().fg_color(Some(colour.into())).bold();
        let mut stderr = AutoStream::new(io::stderr(), self.colour);
        let _ = writeln!(stderr, "{style}klp-gen: {kind}{style:#}{text}");
    }
}
