// SPDX-License-Identifier: GPL-2.0 OR MIT

//! How the full names of some candidates begin.

use super::clean::{
    CleanName,
    PROMOTION, //
};
use core::cmp::Ordering;

/// The first bytes of a cleaned name, and perhaps a promotion suffix behind them.
#[derive(Clone, Copy)]
pub(super) struct Prefix<'a> {
    name: CleanName<'a>,
    len: usize,
    promoted: bool,
}

impl<'a> Prefix<'a> {
    /// Names that begin with `bytes`.
    #[cfg(feature = "stock")]
    pub(super) fn of_bytes(bytes: &'a [u8]) -> Self {
        Self {
            name: CleanName::whole(bytes),
            len: bytes.len(),
            promoted: false,
        }
    }

    /// Names that begin with the first `len` bytes of `name` and a promotion suffix.
    pub(super) fn promoted(name: CleanName<'a>, len: usize) -> Self {
        Self {
            name,
            len,
            promoted: true,
        }
    }

    /// The slices that make up the prefix, in order.
    fn segments(&self) -> impl Iterator<Item = &'a [u8]> {
        let mut left = self.len;
        let suffix = if self.promoted { PROMOTION } else { &[] };
        self.name
            .segments()
            .map(move |segment| {
                let segment = &segment[..left.min(segment.len())];
                left -= segment.len();
                segment
            })
            .chain(core::iter::once(suffix))
    }

    /// Compares the prefix with as much of `name`: `Equal` if the name begins with it.
    ///
    /// A sorted table has the names that are less first, then those that begin with the prefix.
    pub(super) fn cmp_start(&self, mut name: &[u8]) -> Ordering {
        for segment in self.segments() {
            let len = segment.len().min(name.len());
            let (start, rest) = name.split_at(len);
            let order = segment.cmp(start);
            if order.is_ne() {
                return order;
            }
            name = rest;
        }
        Ordering::Equal
    }
}
