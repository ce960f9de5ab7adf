// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The option for the output format.

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

/// The option for the output format.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct FormatArg {
    /// The output format
    #[arg(long, value_enum, default_value_t, help_heading = "Output")]
    pub format: Format,
}
