// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Printing answers on stdout and messages on stderr.

use anyhow::{Context as _, Result};
use clap::ValueEnum;
use serde::Serialize;
use std::fmt;
use std::io::{self, BufWriter, Write};

/// The form of an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Columns, for people
    #[default]
    Table,
    /// A JSON array, for programs
    Json,
}

/// The option that says how an answer is printed.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct FormatArg {
    /// How to print it
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Prints a JSON array, one row on each line.
pub fn json<T: Serialize>(rows: impl Iterator<Item = T>) -> Result<()> {
    text(|out| {
        out.write_all(b"[")?;
        for (i, row) in rows.enumerate() {
            out.write_all(if i == 0 { b"\n" } else { b",\n" })?;
            serde_json::to_writer(&mut *out, &row)?;
        }
        out.write_all(b"\n]\n")
    })
}

/// Prints what `write` writes.
///
/// That the reader of stdout has gone, as in `klp-gen symbols | head`, is no error: it has seen
/// enough, and the exit status still says what the answer is.
pub fn text(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<()> {
    let mut out = BufWriter::with_capacity(1 << 16, io::stdout().lock());
    match write(&mut out).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        done => done.context("cannot write to stdout"),
    }
}

/// Prints a message on stderr. If that cannot be written to, nobody can be told.
pub fn message(text: &dyn fmt::Display) {
    let _ = writeln!(io::stderr(), "klp-gen: {text}");
}

/// An address as a JSON string.
#[derive(Clone, Copy, Debug)]
pub struct Address(pub u64);

impl Serialize for Address {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:#x}", self.0))
    }
}

/// Something to print as a JSON string.
#[derive(Clone, Copy, Debug)]
pub struct Text<T>(pub T);

impl<T: fmt::Display> Serialize for Text<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}
