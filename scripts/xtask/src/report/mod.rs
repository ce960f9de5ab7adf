// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The results: read from what tests print, counted, and told.

pub mod clock;
pub mod glob;
pub mod ktap;
pub mod outcome;
pub mod progress;
pub mod tally;
