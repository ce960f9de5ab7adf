// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Reads whole files.

use crate::error::{Error, ErrorKind, Result};
use std::fs::{File, FileType};
use std::io::Read as _;
use std::os::unix::fs::FileTypeExt as _;
use std::path::Path;

/// The largest number of bytes that are read from a pipe or a device. The text of /proc/kallsyms has some
/// 20 MB, the largest modules with debug information have 500 MB.
const LONGEST_STREAM: u64 = 1 << 30;

/// Reads a whole file, or a pipe to its end; `-` is stdin.
///
/// # Errors
///
/// The file cannot be read, or is a pipe or a device with too many bytes.
pub fn read_file(path: &Path) -> Result<Vec<u8>> {
    let path = if path == Path::new("-") {
        Path::new("/dev/stdin")
    } else {
        path
    };
    let io = |e| Error::io(&format_args!("cannot read {}", path.display()), e);
    let mut file = File::open(path).map_err(io)?;
    let mut bytes = Vec::new();
    let kind = file.metadata().map_err(io)?.file_type();
    if kind.is_file() {
        file.read_to_end(&mut bytes).map_err(io)?;
        return Ok(bytes);
    }
    if kind.is_dir() {
        let what = format!("{}: expected a file, found a directory", path.display());
        return Err(Error::new(ErrorKind::Unsupported, what));
    }
    file.take(LONGEST_STREAM)
        .read_to_end(&mut bytes)
        .map_err(io)?;
    if bytes.len() as u64 == LONGEST_STREAM {
        let (path, found) = (path.display(), describe(kind));
        let what = format!("{path}: expected a file of at most 1 GiB, found {found} with more");
        return Err(Error::new(ErrorKind::Unsupported, what));
    }
    Ok(bytes)
}

/// Returns a description of a file type.
pub(crate) fn describe(kind: FileType) -> &'static str {
    if kind.is_file() {
        "a regular file"
    } else if kind.is_dir() {
        "a directory"
    } else if kind.is_fifo() {
        "a pipe"
    } else if kind.is_char_device() {
        "a character device"
    } else if kind.is_block_device() {
        "a block device"
    } else {
        "a socket"
    }
}
