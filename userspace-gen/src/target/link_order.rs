// SPDX-License-Identifier: GPL-2.0 OR MIT

//! vmlinux.a: a thin archive, made by kbuild, with every object of the kernel image in link order.

use crate::error::{Error, Result};
use crate::file::sort::{known, ARCHIVES};
use object::read::archive::ArchiveFile;

/// Returns the paths of the objects, as the build wrote them.
///
/// # Errors
///
/// The file is no thin archive. Regular archives do not have the directories.
pub(crate) fn read<'d>(origin: &str, data: &'d [u8]) -> Result<Vec<&'d [u8]>> {
    let bad = |what: &dyn std::fmt::Display| {
        let expected = "expected the thin archive vmlinux.a of a kernel build";
        Error::malformed(origin, format_args!("{expected}, found {what}"))
    };
    if !ARCHIVES.iter().any(|magic| data.starts_with(magic)) {
        return Err(bad(&known(data).unwrap_or("another file")));
    }
    let archive = ArchiveFile::parse(data).map_err(|e| bad(&e))?;
    if !archive.is_thin() {
        return Err(bad(&"an archive without directories"));
    }
    archive
        .members()
        .map(|member| Ok(member.map_err(|e| bad(&e))?.name()))
        .collect()
}
