// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Names and lines of files as messages show them.

use std::borrow::Cow;
use std::fmt::Write as _;

/// The length at which a text is cut. No name that a kernel takes is longer.
const LONGEST: usize = 1024;

/// `bytes` as text for a terminal: what is not UTF-8 or would move the cursor does not come through.
#[must_use]
pub fn shown(bytes: &[u8]) -> String {
    // Nearly all names are so, and there are many.
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

/// `text` with its control characters written out, but for those at the start of which `kept` says
/// how many bytes stay as they are.
///
/// For text that is made of several parts, some of which came from files.
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
