// SPDX-License-Identifier: GPL-2.0 OR MIT

//! What a symbol table must offer to be asked.

use super::clean::{
    CleanName,
    PROMOTION, //
};
use super::name::SymbolName;
use core::ops::ControlFlow;

/// One symbol of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Symbol<'a> {
    /// The full name.
    pub name: SymbolName<'a>,
    /// The address; for a symbol of a file that is not linked yet, whatever its owner calls one.
    pub address: u64,
    /// The place in the order in which positions count: the line of `/proc/kallsyms` for vmlinux,
    /// the index in the symbol table for a module.
    pub seq: u32,
}

/// Takes the symbols of a walk one after the other and says whether to go on.
pub type Visit<'v> = dyn FnMut(Symbol<'_>) -> ControlFlow<()> + 'v;

/// A table that does not change and can be entered by name, as vmlinux's can.
pub trait NameIndex {
    /// Visits every symbol whose full name begins with `prefix`, sorted by the bytes of the name.
    ///
    /// A table in which no such name can exist need not look at it.
    fn walk(&self, prefix: &Prefix<'_>, visit: &mut Visit<'_>);
}

/// A table that can only be read from its start to its end, as a module's can.
pub trait SymbolSequence {
    /// Visits every symbol in the order in which positions count, `seq` ascending.
    fn walk(&self, visit: &mut Visit<'_>);
}

/// How the full names of some candidates begin.
#[derive(Clone, Copy, Debug)]
pub struct Prefix<'a> {
    name: CleanName<'a>,
    len: usize,
    promoted: bool,
}

impl<'a> Prefix<'a> {
    /// Names that begin with `name`.
    pub(super) fn exact(name: SymbolName<'a>) -> Self {
        Self::unpromoted(CleanName::whole(name.0))
    }

    /// Names that begin with `name`, which may have been cleaned.
    pub(super) fn unpromoted(name: CleanName<'a>) -> Self {
        Self {
            name,
            len: name.len(),
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

    /// The bytes of the prefix.
    pub fn bytes(&self) -> impl Iterator<Item = u8> + 'a {
        self.segments().flatten().copied()
    }

    /// Writes the prefix to the start of `buf` and returns its length; `None` if it does not fit.
    pub fn write_to(&self, buf: &mut [u8]) -> Option<usize> {
        let mut len = 0;
        for segment in self.segments() {
            buf.get_mut(len..len + segment.len())?
                .copy_from_slice(segment);
            len += segment.len();
        }
        Some(len)
    }
}
