// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The exit status: yes, no, or no answer.

use std::process::ExitCode;

/// The meaning of an exit status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Verdict {
    /// The answer is yes.
    Yes = 0,
    /// The answer is no.
    No = 1,
    /// There is no answer.
    CouldNotRun = 2,
}

impl From<Verdict> for ExitCode {
    fn from(verdict: Verdict) -> Self {
        Self::from(verdict as u8)
    }
}
