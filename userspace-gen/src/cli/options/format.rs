// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The option that says in which of two forms an answer is printed.

use clap::ValueEnum;

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
