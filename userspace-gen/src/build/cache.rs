// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The cache of a kernel's first build, for the next ones.
//!
//! The name of an entry is a hash of everything on which the entry depends. An entry is written under
//! another name and then renamed. So entries need no lock and no update, and an interrupted build leaves no
//! incomplete entry.

use crate::error::{Error, Result};
use crate::file::read_file;
use blake3::{Hash, Hasher};
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::{Builder, TempDir};

/// The version of the entries' contents.
const VERSION: &[u8] = b"2";

/// A directory of entries.
#[derive(Debug)]
pub struct Cache {
    directory: PathBuf,
}

impl Cache {
    /// Opens a cache, and makes its directory.
    ///
    /// # Errors
    ///
    /// The directory cannot be made.
    pub fn open(directory: &Path) -> Result<Self> {
        let made = fs::create_dir_all(directory);
        made.map_err(|e| {
            let what = format_args!(
                "cannot make the cache {} (set XDG_CACHE_HOME to another directory)",
                directory.display()
            );
            Error::io(&what, e)
        })?;
        Ok(Self {
            directory: directory.to_owned(),
        })
    }

    /// Returns an entry; if it does not exist, `make` fills its directory.
    ///
    /// # Errors
    ///
    /// `make` fails, or the cache cannot be written.
    pub fn entry(
        &self,
        kind: &str,
        key: Hash,
        make: impl FnOnce(&Path) -> Result<()>,
    ) -> Result<PathBuf> {
        let path = self.path(kind, key);
        if path.is_dir() {
            return Ok(path);
        }
        let new = self.temporary()?;
        make(new.path())?;
        self.publish(new, &path)?;
        Ok(path)
    }

    /// Returns an entry if it is there.
    #[must_use]
    pub fn find(&self, kind: &str, key: Hash) -> Option<PathBuf> {
        let path = self.path(kind, key);
        path.is_dir().then_some(path)
    }

    fn path(&self, kind: &str, key: Hash) -> PathBuf {
        self.directory.join(kind).join(key.to_hex().as_str())
    }

    fn temporary(&self) -> Result<TempDir> {
        let cannot = |e| self.cannot_write(e);
        let directory = self.directory.join("new");
        fs::create_dir_all(&directory).map_err(cannot)?;
        Builder::new()
            .prefix("")
            .tempdir_in(directory)
            .map_err(cannot)
    }

    /// Renames a new entry to its name. If another build was faster, its entry has the same contents.
    fn publish(&self, new: TempDir, path: &Path) -> Result<()> {
        let made = path.parent().map_or(Ok(()), fs::create_dir_all);
        let renamed = made.and_then(|()| fs::rename(new.path(), path));
        match renamed {
            Ok(()) => {
                let _ = new.keep();
                Ok(())
            }
            Err(_) if path.is_dir() => Ok(()),
            Err(e) => Err(self.cannot_write(e)),
        }
    }

    fn cannot_write(&self, error: std::io::Error) -> Error {
        Error::io(
            &format_args!("cannot write to the cache {}", self.directory.display()),
            error,
        )
    }
}

/// A hash of everything on which an entry depends.
#[derive(Debug)]
pub struct CacheKey(Hasher);

impl CacheKey {
    /// Begins a name.
    #[must_use]
    pub fn new(kind: &str) -> Self {
        let mut key = Self(Hasher::new());
        key.add(VERSION);
        key.add(kind.as_bytes());
        key
    }

    /// Adds something that the entry depends on.
    pub fn add(&mut self, bytes: &[u8]) {
        // The length is added as well, so that "ab", "c" and "a", "bc" give two names.
        self.0.update(&(bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
    }

    /// Adds the contents of a file.
    ///
    /// # Errors
    ///
    /// The file cannot be read.
    pub fn add_file(&mut self, path: &Path) -> Result<()> {
        self.add(&read_file(path)?);
        Ok(())
    }

    /// Returns the name.
    #[must_use]
    pub fn finish(self) -> Hash {
        self.0.finalize()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_made_once() {
        let directory = TempDir::new().unwrap();
        let cache = Cache::open(&directory.path().join("klp-gen")).unwrap();
        let key = || {
            let mut key = CacheKey::new("k");
            key.add(b"x");
            key.finish()
        };
        assert_eq!(cache.find("k", key()), None);
        let write = |path: &Path| {
            fs::write(path.join("file"), "1").unwrap();
            Ok(())
        };
        let path = cache.entry("k", key(), write).unwrap();
        let again = cache.entry("k", key(), |_| panic!("is there")).unwrap();
        assert_eq!(
            (&path, fs::read(again.join("file")).unwrap()),
            (&again, b"1".to_vec())
        );
        // An entry that was interrupted does not exist.
        let failed = cache.entry("k", CacheKey::new("other").finish(), |_| {
            Err(Error::new(crate::error::ErrorKind::Io, "interrupted"))
        });
        assert!(failed.is_err());
        assert_eq!(cache.find("k", CacheKey::new("other").finish()), None);
    }

    #[test]
    fn two_processes_make_one_entry() {
        let directory = TempDir::new().unwrap();
        let cache = Cache::open(directory.path()).unwrap();
        let key = CacheKey::new("k").finish();
        // The other build is done while this build is still at work.
        let path = cache.entry("k", key, |path| {
            fs::write(path.join("file"), "mine").unwrap();
            cache.entry("k", key, |path| {
                fs::write(path.join("file"), "other").unwrap();
                Ok(())
            })?;
            Ok(())
        });
        assert_eq!(fs::read(path.unwrap().join("file")).unwrap(), b"other");
        assert_eq!(
            fs::read_dir(directory.path().join("new")).unwrap().count(),
            0
        );
    }
}
