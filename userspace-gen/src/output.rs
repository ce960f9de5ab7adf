// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Files that are there whole or not at all.

use crate::elf::input::describe;
use crate::error::{Error, ErrorKind, Result};
use std::fs::{self, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use tempfile::Builder;

/// Writes a file under a temporary name beside `path` and renames it.
///
/// A symbolic link stays one: the file that it leads to is replaced.
///
/// # Errors
///
/// It cannot be written, or something is there that is no file; what was at `path` before is still
/// there then.
pub fn write_file(path: &Path, bytes: &[u8]) -> Result<()> {
    let cannot = |e| Error::io(&format_args!("cannot write {}", path.display()), e);
    let path = &replaceable(path)?;
    let directory = path.parent().filter(|p| !p.as_os_str().is_empty());
    let directory = directory.unwrap_or(Path::new("."));
    if !directory.is_dir() {
        let (path, directory) = (path.display(), directory.display());
        let what = format!("cannot write {path}: expected a directory {directory}, found none");
        return Err(Error::new(ErrorKind::Refused, what));
    }
    let mut file = Builder::new()
        .prefix(".klp-gen-")
        // As open(2) would, less what the umask takes away.
        .permissions(Permissions::from_mode(0o666))
        .tempfile_in(directory)
        // The message has the temporary name, which tells nobody anything.
        .map_err(|e| cannot(e.kind().into()))?;
    let write = |file: &mut fs::File| -> io::Result<()> {
        file.write_all(bytes)?;
        // Some file systems only say here that they are full.
        file.sync_all()
    };
    write(file.as_file_mut()).map_err(cannot)?;
    file.persist(path).map_err(|e| cannot(e.error))?;
    Ok(())
}

/// Where the file itself is that is to be replaced, or made.
///
/// Renaming would replace anything: a device such as /dev/null, or the symbolic link /dev/stdout.
fn replaceable(path: &Path) -> Result<PathBuf> {
    let cannot = |e| Error::io(&format_args!("cannot write {}", path.display()), e);
    let refuse = |found: &str| {
        let path = path.display();
        let what = format!("cannot write {path}: expected a regular file or none, found {found}");
        Err(Error::new(ErrorKind::Refused, what))
    };
    let there = match fs::symlink_metadata(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(path.to_owned()),
        there => there.map_err(cannot)?,
    };
    if !there.is_symlink() {
        return if there.is_file() {
            Ok(path.to_owned())
        } else {
            refuse(describe(there.file_type()))
        };
    }
    match fs::canonicalize(path) {
        Ok(path) if path.is_file() => Ok(path),
        Ok(path) => match fs::metadata(&path) {
            Ok(there) => refuse(describe(there.file_type())),
            Err(_) => refuse("a symbolic link that leads to no file"),
        },
        Err(_) => refuse("a symbolic link that leads to no file"),
    }
}
