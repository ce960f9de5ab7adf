// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Writes files completely or not at all.

use super::read::describe;
use crate::error::{Error, ErrorKind, Result};
use nix::sys::resource::{getrlimit, Resource};
use nix::sys::signal::{SigSet, Signal};
use std::fs::{self, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use tempfile::Builder;

/// The signals that end the command from outside, except those that cannot be blocked.
const SIGNALS: [Signal; 4] = [
    Signal::SIGHUP,
    Signal::SIGINT,
    Signal::SIGQUIT,
    Signal::SIGTERM,
];

/// Writes a file under a temporary name beside `path` and renames it.
///
/// - A symbolic link stays: its target is replaced.
/// - A file that is replaced keeps its mode.
/// - A signal waits until the write has ended, so that no temporary file is left.
///
/// # Errors
///
/// The file cannot be written, or `path` is not a regular file. `path` is unchanged in that case.
pub fn write_file(path: &Path, bytes: &[u8]) -> Result<()> {
    let cannot = |e| Error::io(&format_args!("cannot write {}", path.display()), e);
    let (path, permissions) = &replaceable(path)?;
    let directory = path.parent().filter(|p| !p.as_os_str().is_empty());
    let directory = directory.unwrap_or(Path::new("."));
    if !directory.is_dir() {
        let (path, directory) = (path.display(), directory.display());
        let what = format!("cannot write {path}: expected a directory {directory}, found none");
        return Err(Error::new(ErrorKind::Refused, what));
    }
    expect_allowed(bytes.len()).map_err(cannot)?;
    // This is dropped last, after the temporary file was renamed or removed.
    let _held = HeldSignals::hold().map_err(cannot)?;
    let mut file = Builder::new()
        .prefix(".klp-gen-")
        // The mode is that of open(2), without the bits of the umask.
        .permissions(Permissions::from_mode(0o666))
        .tempfile_in(directory)
        // The error's own message has the temporary name, which does not help.
        .map_err(|e| cannot(e.kind().into()))?;
    let write = |file: &mut fs::File| -> io::Result<()> {
        file.write_all(bytes)?;
        if let Some(permissions) = permissions {
            file.set_permissions(permissions.clone())?;
        }
        // Some file systems only report here that they are full.
        file.sync_all()
    };
    write(file.as_file_mut()).map_err(cannot)?;
    file.persist(path).map_err(|e| cannot(e.error))?;
    Ok(())
}

/// Refuses to write to a file that is read, such as vmlinux.
///
/// # Errors
///
/// `output` is the same file as one of `inputs`, maybe by another name.
pub fn expect_no_input<'p>(
    output: &Path,
    mut inputs: impl Iterator<Item = &'p Path>,
) -> Result<()> {
    let file = |path: &Path| fs::metadata(path).ok().map(|file| (file.dev(), file.ino()));
    let Some(written) = file(output) else {
        return Ok(());
    };
    let Some(input) = inputs.find(|input| file(input) == Some(written)) else {
        return Ok(());
    };
    let (output, input) = (output.display(), input.display());
    let what = format!("cannot write {output}: it is the input {input} (give another output)");
    Err(Error::new(ErrorKind::Refused, what))
}

/// Checks that the process may write a file of so many bytes (`ulimit -f`).
///
/// Without this check, SIGXFSZ would end the process, and leave an incomplete temporary file.
fn expect_allowed(len: usize) -> io::Result<()> {
    let (limit, _) = getrlimit(Resource::RLIMIT_FSIZE)?;
    if len as u64 > limit {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(())
}

/// Signals that are blocked until this value is dropped.
struct HeldSignals {
    before: SigSet,
}

impl HeldSignals {
    fn hold() -> io::Result<Self> {
        let before = SigSet::thread_get_mask()?;
        SigSet::from_iter(SIGNALS).thread_block()?;
        Ok(Self { before })
    }
}

impl Drop for HeldSignals {
    fn drop(&mut self) {
        // Restoring a mask that was set before does not fail.
        let _ = self.before.thread_set_mask();
    }
}

/// Returns the file to be replaced or made, and its mode if it exists.
///
/// Other kinds of files are refused, because the rename would replace them: a device such as /dev/null, or
/// the symbolic link /dev/stdout.
fn replaceable(path: &Path) -> Result<(PathBuf, Option<Permissions>)> {
    let cannot = |e| Error::io(&format_args!("cannot write {}", path.display()), e);
    let refuse = |found: &str| {
        let path = path.display();
        let what = format!("cannot write {path}: expected a regular file or none, found {found}");
        Err(Error::new(ErrorKind::Refused, what))
    };
    if path == Path::new("-") {
        let what = "cannot write to stdout, which has the report: expected the name of a file \
        (write ./- for a file of that name)";
        return Err(Error::new(ErrorKind::Refused, what));
    }
    let there = match fs::symlink_metadata(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok((path.to_owned(), None)),
        there => there.map_err(cannot)?,
    };
    if !there.is_symlink() {
        return if there.is_file() {
            Ok((path.to_owned(), Some(there.permissions())))
        } else {
            refuse(describe(there.file_type()))
        };
    }
    let Ok(path) = fs::canonicalize(path) else {
        return refuse("a symbolic link that leads to no file");
    };
    match fs::metadata(&path) {
        Ok(there) if there.is_file() => Ok((path, Some(there.permissions()))),
        Ok(there) => refuse(describe(there.file_type())),
        Err(_) => refuse("a symbolic link that leads to no file"),
    }
}
