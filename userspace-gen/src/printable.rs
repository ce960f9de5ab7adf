// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Names and lines of files in messages.

use std::borrow::Cow;
use std::fmt::Write as _;

/// The length at which a text is cut. All names that a kernel accepts are shorter.
const LONGEST: usize = 1024;

/// Returns `bytes` as text for a terminal, without control characters and without bytes that are no UTF-8.
#[must_use]
pub fn shown(bytes: &[u8]) -> String {
    // The fast path: nearly all names are printable ASCII, and there are many names.
    if bytes.len() <= LONGEST && bytes.iter().all(|b| matches!(b, b' '..=b'~')) {
        return String::from_utf8_lossy(bytes).into_owned();
    }
    let (bytes, rest) = bytes.split_at(bytes.len().min(LONGEST));
    let text = String::from_utf8_lossy(bytes);
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    if !rest.is_empty() {
        // Writing to a string does not fail.
        let _ = write!(shown, "… ({} more bytes)", rest.len());
    }
    shown
}

/// Returns `text` with its control characters escaped, for text with parts from files.
///
/// `kept` returns the number of bytes at the beginning of a text that stay unchanged.
pub fn visible(text: &str, kept: impl Fn(&str) -> usize) -> Cow<'_, str> {
    if text.bytes().all(|b| matches!(b, b' '..=b'~')) {
        return text.into();
    }
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let kept = if c.is_control() {
            kept(rest)
        } else {
            c.len_utf8()
        };
        if kept == 0 {
            shown.extend(c.escape_default());
        }
        let (start, end) = rest.split_at(kept.max(c.len_utf8()));
        shown.push_str(&start[..kept]);
        rest = end;
    }
    shown.into()
}
