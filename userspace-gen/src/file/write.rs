// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Files that are there whole or not at all.

use super::read::describe;
use crate::error::{Error, ErrorKind, Result};
use nix::sys::resource::{getrlimit, Resource};
use nix::sys::signal::{SigSet, Signal};
use std::fs::{self, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use tempfile::Builder;

/// The signals that end the command from outside, except those that nobody can hold back.
const SIGNALS: [Signal; 4] = [
    Signal::SIGHUP,
    Signal::SIGINT,
    Signal::SIGQUIT,
    Signal::SIGTERM,
];

/// Writes a file under a temporary name beside `path` and renames it.
///
/// A symbolic link stays one: the file that it leads to is replaced. A file that is replaced keeps
/// its mode. A signal that comes meanwhile has to wait, so that the temporary file is not left.
///
/// # Errors
///
/// It cannot be written, or something is there that is no file; what was at `path` before is still
/// there then.
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
    // Dropped last, when the temporary file has its name or is gone.
    let _held = HeldSignals::hold().map_err(cannot)?;
    let mut file = Builder::new()
        .prefix(".klp-gen-")
        // As open(2) would, less what the umask takes away.
        .permissions(Permissions::from_mode(0o666))
        .tempfile_in(directory)
        // The message has the temporary name, which tells nobody anything.
        .map_err(|e| cannot(e.kind().into()))?;
    let write = |file: &mut fs::File| -> io::Result<()> {
        file.write_all(bytes)?;
        if let Some(permissions) = permissions {
            file.set_permissions(permissions.clone())?;
        }
        // Some file systems only say here that they are full.
        file.sync_all()
    };
    write(file.as_file_mut()).map_err(cannot)?;
    file.persist(path).map_err(|e| cannot(e.error))?;
    Ok(())
}

/// Refuses to write to a file that is read: the vmlinux, say, whose name was given twice.
///
/// # Errors
///
/// `output` is one of `inputs`, maybe by another name.
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
    let what = format!(
        "cannot write {output}: expected another file than those that are read, found {input}"
    );
    Err(Error::new(ErrorKind::Refused, what))
}

/// Checks that the process may write a file of so many bytes (`ulimit -f`).
///
/// To try it would end the process with SIGXFSZ, and leave what it has written.
fn expect_allowed(len: usize) -> io::Result<()> {
    let (limit, _) = getrlimit(Resource::RLIMIT_FSIZE)?;
    if len as u64 > limit {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(())
}

/// Signals that wait until this is dropped.
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
        // It fails for no mask that was there before.
        let _ = self.before.thread_set_mask();
    }
}

/// Returns the file that is to be replaced or made, and its mode if it is there.
///
/// With it its mode, if it is there. Renaming would replace anything: a device such as /dev/null, or
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
                    (./- for one of that name)";
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
