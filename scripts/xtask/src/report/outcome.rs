// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The answer of a command that could run.

/// Yes or an honest no; "could not run" is an error instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Everything that was asked for holds: exit status 0.
    Pass,
    /// Something that was checked does not hold: exit status 1.
    Fail,
}

impl Outcome {
    /// [`Outcome::Pass`] if `holds`.
    pub fn from_bool(holds: bool) -> Self {
        if holds {
            Self::Pass
        } else {
            Self::Fail
        }
    }
}
