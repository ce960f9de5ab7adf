// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The output: the [`console`]; a [`page`] of lines with an [`answer`], [`json`], or a [`full_name`]; the
//! [`progress`] of a long command; and the [`verdict`] at the end.

pub mod answer;
pub mod console;
pub mod full_name;
pub mod json;
pub mod page;
pub mod progress;
pub mod verdict;

pub use console::Console;
pub use page::{Look, Page};
pub use progress::Steps;
pub use verdict::Verdict;
