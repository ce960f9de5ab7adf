// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The progress of a build, for a user who waits.

/// A listener to the steps of a build.
///
/// The library reports its steps. The listener decides how to show them, on a terminal or in a log.
pub trait Progress: Sync {
    /// Begins a step that has `total` parts: `compile`, 19.
    fn step(&self, name: &'static str, total: usize);

    /// Reports that one part of the step is done.
    fn advance(&self, what: &str);

    /// Reports something that the author should know, such as an ignored part of the patch.
    fn warn(&self, what: &str);
}

/// A listener that shows nothing.
#[derive(Clone, Copy, Debug)]
pub struct Silent;

impl Progress for Silent {
    fn step(&self, _: &'static str, _: usize) {}
    fn advance(&self, _: &str) {}
    fn warn(&self, _: &str) {}
}
