// SPDX-License-Identifier: GPL-2.0 OR MIT

//! A module of a listing.

use crate::symbols::Entry;
use klp_policy::ObjName;

/// A module, and the symbols that were listed for it so far.
#[derive(Debug)]
pub(super) struct Module<'d> {
    pub(super) name: ObjName<'d>,
    pub(super) entries: Vec<Entry<'d>>,
    /// True if its freed functions were listed, too.
    pub(super) had_freed: bool,
}
