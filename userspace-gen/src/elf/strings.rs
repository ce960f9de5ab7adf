// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Tables of strings.

use std::ffi::CStr;

/// The longest name that is read. kallsyms takes 511 bytes. Without a limit, a file of a few megabytes
/// could have names of terabytes, since names may overlap.
const LONGEST_NAME: usize = 4096;

/// Returns the end of the last string of a string table, including its NUL.
pub(super) fn end_of_strings(table: &[u8]) -> usize {
    table
        .iter()
        .rposition(|&b| b == 0)
        .map_or(0, |last| last + 1)
}

/// Returns the string at `offset` of a string table, if it ends with a NUL.
pub(crate) fn string_at(table: &[u8], offset: u32) -> Option<&[u8]> {
    let rest = table.get(offset as usize..)?;
    let rest = rest.get(..=LONGEST_NAME).unwrap_or(rest);
    let string = CStr::from_bytes_until_nul(rest);
    string.ok().map(CStr::to_bytes)
}
