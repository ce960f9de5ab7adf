// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The kind of a file that is not of the expected kind, and what to do.
//!
//! All options use these functions, so that a file has the same description in all messages.

mod magic;

pub(crate) use magic::ARCHIVES;

use crate::error::{Error, Result};
use magic::{Magic, Sort, MAGICS};
use object::read::ReadRef;

/// Returns a description of a file that should be an ELF file.
pub(crate) fn describe<'d, R: ReadRef<'d>>(data: R) -> &'static str {
    let start = bytes_at(data, 0, data.len().unwrap_or(0).min(16));
    let is_text = |b: &u8| b.is_ascii_graphic() || b" \t\r\n".contains(b);
    match known(data) {
        Some(known) => known,
        // Files in /proc have length 0.
        None if start.is_empty() => "nothing (give /proc/kallsyms with --kallsyms)",
        None if start.iter().all(is_text) => {
            "text (give the text of /proc/kallsyms with --kallsyms)"
        }
        None => "something else",
    }
}

/// Returns a description of a file with a known beginning.
pub(crate) fn known<'d, R: ReadRef<'d>>(data: R) -> Option<&'static str> {
    magic(data).map(|&(.., what)| what)
}

/// Refuses a compressed file instead of a kernel image: most of these are boot images.
pub(crate) fn expect_uncompressed_image<'d, R: ReadRef<'d>>(origin: &str, data: R) -> Result<()> {
    match magic(data) {
        Some(&(_, _, Sort::Compressed, found)) => Err(Error::malformed(
            origin,
            format_args!(
                "expected an ELF file, found {}; for a boot image, give the vmlinux of its build)",
                found.trim_end_matches(')')
            ),
        )),
        _ => Ok(()),
    }
}

/// Refuses a file that is no text; `expected` describes the expected text.
///
/// # Errors
///
/// The file begins like a file of another kind, or contains a NUL.
pub fn expect_text(origin: &str, expected: &str, data: &[u8]) -> Result<()> {
    let is_control = |b: &u8| b.is_ascii_control() && !b"\t\r\n".contains(b);
    let is_text = !data.iter().any(is_control);
    // A name may have the beginning of another kind of file.
    let begins = |&&(_, magic, ..): &&Magic| !is_text || !magic.iter().all(u8::is_ascii_graphic);
    let found = magic(data).filter(begins).map(|&(.., what)| what);
    match found.or(data.contains(&0).then_some("binary data")) {
        Some(found) => Err(Error::malformed(
            origin,
            format_args!("expected {expected}, found {found}"),
        )),
        None => Ok(()),
    }
}

fn magic<'d, R: ReadRef<'d>>(data: R) -> Option<&'static Magic> {
    let is = |&&(offset, magic, ..): &&Magic| bytes_at(data, offset, magic.len() as u64) == magic;
    MAGICS.iter().find(is)
}

fn bytes_at<'d, R: ReadRef<'d>>(data: R, offset: u64, len: u64) -> &'d [u8] {
    data.read_bytes_at(offset, len).unwrap_or_default()
}
