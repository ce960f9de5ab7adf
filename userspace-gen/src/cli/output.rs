// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The two forms of an answer, and what JSON is made of.

use clap::ValueEnum;
use serde::Serialize;
use std::fmt;

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
    #[arg(long, value_enum, default_value_t, help_heading = "Output")]
    pub format: Format,
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
