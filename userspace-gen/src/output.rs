// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Files that are there whole or not at all.

use crate::error::{Error, Result};
use std::fs::Permissions;
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use tempfile::Builder;

/// Writes a file under a temporary name beside `path` and renames it.
///
/// # Errors
///
/// It cannot be written; what was at `path` before is still there then.
pub fn write_file(path: &Path, bytes: &[u8]) -> Result<()> {
    let write = || -> io::Result<()> {
        let directory = path.parent().filter(|p| !p.as_os_str().is_empty());
        let mut file = Builder::new()
            .prefix(".klp-gen-")
            // As open(2) would, less what the umask takes away.
            .permissions(Permissions::from_mode(0o666))
            .tempfile_in(directory.unwrap_or(Path::new(".")))?;
        file.write_all(bytes)?;
        file.flush()?;
        file.persist(path).map_err(|e| e.error)?;
        Ok(())
    };
    write().map_err(|e| Error::io(&path.display(), e))
}
