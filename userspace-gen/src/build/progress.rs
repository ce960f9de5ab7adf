// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The steps of a build as somebody sees them who waits for it.

/// A listener to the steps of a build.
///
/// The library says what it does; how that is shown, on a terminal or in a log, is the listener's.
pub trait Progress: Sync {
    /// Begins a step that has `total` parts: `compile`, 19.
    fn step(&self, name: &'static str, total: usize);

    /// One part of the step is done.
    fn advance(&self, what: &str);

    /// Something is dropped or done otherwise, and the author should know.
    fn warn(&self, what: &str);
}

/// A listener who does not listen.
#[derive(Clone, Copy, Debug)]
pub struct Silent;

impl Progress for Silent {
    fn step(&self, _: &'static str, _: usize) {}
    fn advance(&self, _: &str) {}
    fn warn(&self, _: &str) {}
}
