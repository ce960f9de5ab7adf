// SPDX-License-Identifier: GPL-2.0 OR MIT

//! A symbol's name without what `ThinLTO` promotion added to it.

use super::name::fmt_lossy;
use core::{
    cmp,
    fmt,
    hash, //
};

/// The text that LLVM puts between a promoted static's name and the hash of its module
/// (`ModuleSummaryIndex::getGlobalNameForLocal()` in `llvm/IR/ModuleSummaryIndex.h`).
pub(super) const PROMOTION: &[u8] = b".llvm.";

/// Removes every `.llvm.<hash>` from a symbol name, and nothing else.
///
/// The hash is one or more of `[0-9a-f]`, up to the next dot or the end; the suffix stands behind a
/// non-empty base. What later passes append behind the hash stays: `foo.llvm.12.cold` is
/// `foo.cold`. A name is scanned once, from left to right: what is left over is not joined and
/// scanned again.
///
/// ```
/// use klp_policy::cleanup_symbol_name;
///
/// assert_eq!(cleanup_symbol_name(b"foo.llvm.123"), *b"foo");
/// assert_eq!(cleanup_symbol_name(b"foo.llvm.1.llvm.2"), *b"foo");
/// assert_eq!(cleanup_symbol_name(b"foo.llvm.12.cold"), *b"foo.cold");
/// assert_eq!(cleanup_symbol_name(b"foo.llvm.xyz"), *b"foo.llvm.xyz");
/// ```
#[must_use]
pub fn cleanup_symbol_name(name: &[u8]) -> CleanName<'_> {
    match find_suffix(name, 1) {
        Some((start, end)) => CleanName {
            head: &name[..start],
            rest: &name[end..],
        },
        None => CleanName::whole(name),
    }
}

/// Cleans the C string at the start of `buf` in place and returns its new length.
///
/// The string ends at the first NUL, or with the buffer. The name only gets shorter; where it does,
/// a NUL is written behind it.
///
/// ```
/// let mut name = *b"foo.llvm.12.cold\0";
/// assert_eq!(klp_policy::cleanup_symbol_name_in_place(&mut name), 8);
/// assert_eq!(name[..9], *b"foo.cold\0");
/// ```
pub fn cleanup_symbol_name_in_place(buf: &mut [u8]) -> usize {
    let len = buf.iter().position(|&b| b == 0).unwrap_or(buf.len());
    let mut from = 1;
    let mut read = 0;
    let mut write = 0;
    while let Some((start, end)) = find_suffix(&buf[..len], from) {
        buf.copy_within(read..start, write);
        write += start - read;
        read = end;
        from = end;
    }
    buf.copy_within(read..len, write);
    write += len - read;
    if write < len {
        buf[write] = 0;
    }
    write
}

/// The first promotion suffix that begins at or after `from`: where it begins and ends.
fn find_suffix(name: &[u8], from: usize) -> Option<(usize, usize)> {
    let mut at = from;
    while let Some(dot) = name.get(at..)?.iter().position(|&b| b == b'.') {
        let start = at + dot;
        if let Some(hash) = name[start..].strip_prefix(PROMOTION) {
            let digits = hash
                .iter()
                .take_while(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
                .count();
            if digits > 0 && matches!(hash.get(digits), None | Some(b'.')) {
                return Some((start, start + PROMOTION.len() + digits));
            }
        }
        at = start + 1;
    }
    None
}

/// A cleaned name: slices of the name that it was made from, nothing is copied.
///
/// Two cleaned names are equal when their bytes are, wherever a suffix was taken out.
#[derive(Clone, Copy)]
pub struct CleanName<'a> {
    /// The name up to its first promotion suffix.
    head: &'a [u8],
    /// The text behind that suffix. Further suffixes in it are skipped on reading.
    rest: &'a [u8],
}

impl<'a> CleanName<'a> {
    /// A name taken as it is.
    #[must_use]
    pub(super) const fn whole(name: &'a [u8]) -> Self {
        Self {
            head: name,
            rest: &[],
        }
    }

    /// The slices that make up the name, in order; none is empty.
    ///
    /// There is one, or two if a pass appended text behind a hash. Only a name that was promoted
    /// again after that has more.
    #[must_use]
    pub fn segments(&self) -> Segments<'a> {
        Segments {
            head: self.head,
            rest: self.rest,
        }
    }

    /// The bytes of the name.
    pub fn bytes(&self) -> impl Iterator<Item = u8> + 'a {
        self.segments().flatten().copied()
    }

    /// Bytes in the name.
    #[allow(clippy::len_without_is_empty)] // Nobody asks for that.
    #[must_use]
    pub fn len(&self) -> usize {
        self.segments().map(<[u8]>::len).sum()
    }

    /// The first byte of the name, which is the first one of the full name too.
    pub(super) fn first(&self) -> Option<&'a u8> {
        self.head.first()
    }

    /// Bytes before the first promotion suffix.
    pub(super) fn head_len(&self) -> usize {
        self.head.len()
    }
}

/// The slices of a [`CleanName`]; see [`CleanName::segments()`].
#[derive(Clone, Debug)]
pub struct Segments<'a> {
    head: &'a [u8],
    rest: &'a [u8],
}

impl<'a> Iterator for Segments<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        while self.head.is_empty() && !self.rest.is_empty() {
            let (start, end) =
                find_suffix(self.rest, 0).unwrap_or((self.rest.len(), self.rest.len()));
            self.head = &self.rest[..start];
            self.rest = &self.rest[end..];
        }
        let segment = core::mem::take(&mut self.head);
        (!segment.is_empty()).then_some(segment)
    }
}

impl PartialEq for CleanName<'_> {
    fn eq(&self, other: &Self) -> bool {
        if self.rest.is_empty() && other.rest.is_empty() {
            return self.head == other.head;
        }
        self.bytes().eq(other.bytes())
    }
}

impl Eq for CleanName<'_> {}

impl PartialEq<[u8]> for CleanName<'_> {
    fn eq(&self, other: &[u8]) -> bool {
        *self == CleanName::whole(other)
    }
}

impl<const N: usize> PartialEq<[u8; N]> for CleanName<'_> {
    fn eq(&self, other: &[u8; N]) -> bool {
        *self == CleanName::whole(other)
    }
}

impl Ord for CleanName<'_> {
    fn cmp(&self, other: &Self) -> cmp::Ordering {
        if self.rest.is_empty() && other.rest.is_empty() {
            return self.head.cmp(other.head);
        }
        self.bytes().cmp(other.bytes())
    }
}

impl PartialOrd for CleanName<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl hash::Hash for CleanName<'_> {
    fn hash<H: hash::Hasher>(&self, state: &mut H) {
        // Byte by byte: equal names may be cut into slices at different places.
        for byte in self.bytes() {
            state.write_u8(byte);
        }
        state.write_u8(0xff);
    }
}

impl fmt::Display for CleanName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.segments().try_for_each(|s| fmt_lossy(s, f))
    }
}

impl fmt::Debug for CleanName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}
