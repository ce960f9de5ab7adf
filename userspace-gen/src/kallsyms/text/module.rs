// SPDX-License-Identifier: GPL-2.0 OR MIT

//! A module in the text.

use crate::symbols::Entry;
use klp_policy::ObjName;

/// A module, and its symbols that were read so far.
#[derive(Debug)]
pub(super) struct Module<'d> {
    pub(super) name: ObjName<'d>,
    pub(super) entries: Vec<Entry<'d>>,
    /// True if its freed functions were listed as well.
    pub(super) had_freed: bool,
}
