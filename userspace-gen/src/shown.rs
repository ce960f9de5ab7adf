// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Names and lines of files as messages show them.

use std::fmt::Write as _;

/// What is longer is cut. No name that a kernel takes is.
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
