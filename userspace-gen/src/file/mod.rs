// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Files: [`read`] and [`write`](mod@write) them, and [`sort`] describes a file of the wrong kind.

pub mod read;
pub mod sort;
pub mod write;

pub use read::read_file;
pub use write::{expect_no_input, write_file};
