// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Files as such: [`read`] and [`write`](mod@write) them, and [`sort`] tells what a file of the wrong sort is.

pub mod read;
pub mod sort;
pub mod write;

pub use read::read_file;
pub use write::{expect_no_input, write_file};
