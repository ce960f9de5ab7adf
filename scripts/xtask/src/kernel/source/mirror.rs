// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Keeps a working copy of a source tree that itself must not be modified.

use crate::report::progress;
use anyhow::{Context, Result};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, FileTimes};
use std::os::unix::fs::{symlink, MetadataExt};
use std::path::Path;

/// The way in which a file gets into the copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// As a hard link: quick, and takes no room. For a tree that nobody writes to; our own changes
    /// replace a file and never write into it.
    Link,
    /// As a copy with its time, made again whenever size or time differ.
    Copy,
}

/// The properties that tell two versions of a file apart without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FileKind {
    Directory,
    Symlink,
    File { size: u64, seconds: i64, nanos: i64 },
}

/// A hash over the names, sizes and times of all files of a tree.
///
/// # Errors
///
/// Fails if the tree cannot be read.
pub fn fingerprint(tree: &Path) -> Result<String> {
    let mut hasher = blake3::Hasher::new();
    for (path, kind) in list(tree)? {
        hasher.update(format!("{path}\0{kind:?}\0").as_bytes());
    }
    Ok(hasher.finalize().to_hex().to_string())
}

/// Makes `copy` like `tree` in everything but the paths of `except`.
///
/// # Errors
///
/// Fails if something cannot be read or written.
pub fn mirror(tree: &Path, copy: &Path, mode: Mode, except: &BTreeSet<String>) -> Result<()> {
    if mode == Mode::Link && copy.exists() {
        // The tree never changes, and the copy got its name when it was whole.
        return Ok(());
    }
    if copy.exists() {
        return update(tree, copy, mode, except);
    }
    progress::note(&format!("copying {} to {}", tree.display(), copy.display()));
    let partial = copy.with_extension("partial");
    if partial.exists() {
        fs::remove_dir_all(&partial)?;
    }
    fs::create_dir_all(&partial).with_context(|| format!("cannot create {}", partial.display()))?;
    update(tree, &partial, mode, except)?;
    fs::rename(&partial, copy).with_context(|| format!("cannot create {}", copy.display()))
}

fn update(tree: &Path, copy: &Path, mode: Mode, except: &BTreeSet<String>) -> Result<()> {
    let wanted = list(tree)?;
    let present = list(copy)?;
    // Backwards, so that a directory is empty when its turn comes.
    for (path, kind) in present.iter().rev() {
        if wanted.contains_key(path) || except.contains(path) {
            continue;
        }
        let target = copy.join(path);
        if *kind == FileKind::Directory {
            // It may hold files that are ours.
            let _ = fs::remove_dir(&target);
        } else {
            fs::remove_file(&target)
                .with_context(|| format!("cannot remove {}", target.display()))?;
        }
    }
    for (path, kind) in &wanted {
        if present.get(path) == Some(kind) && *kind != FileKind::Symlink || except.contains(path) {
            continue;
        }
        let (from, to) = (tree.join(path), copy.join(path));
        place(&from, &to, *kind, mode)
            .with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))?;
    }
    Ok(())
}

fn place(from: &Path, to: &Path, kind: FileKind, mode: Mode) -> Result<()> {
    match kind {
        FileKind::Directory => fs::create_dir_all(to)?,
        FileKind::Symlink => {
            let target = fs::read_link(from)?;
            if fs::read_link(to).is_ok_and(|old| old == target) {
                return Ok(());
            }
            if to.symlink_metadata().is_ok() {
                fs::remove_file(to)?;
            }
            symlink(target, to)?;
        }
        FileKind::File { .. } => {
            if to.symlink_metadata().is_ok() {
                fs::remove_file(to)?;
            }
            if mode == Mode::Link {
                fs::hard_link(from, to)?;
            } else {
                fs::copy(from, to)?;
                let modified = fs::metadata(from)?.modified()?;
                let file = fs::OpenOptions::new().append(true).open(to)?;
                file.set_times(FileTimes::new().set_modified(modified))?;
            }
        }
    }
    Ok(())
}

/// Everything below `tree` by relative path, without the history of a git repository.
fn list(tree: &Path) -> Result<BTreeMap<String, FileKind>> {
    let mut found = BTreeMap::new();
    let mut open = vec![String::new()];
    while let Some(dir) = open.pop() {
        let absolute = tree.join(&dir);
        let entries = fs::read_dir(&absolute)
            .with_context(|| format!("cannot read {}", absolute.display()))?;
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name();
            if dir.is_empty() && name == ".git" {
                continue;
            }
            let name = name.to_string_lossy();
            let path = if dir.is_empty() {
                name.into_owned()
            } else {
                format!("{dir}/{name}")
            };
            let metadata = entry.metadata()?;
            let kind = if metadata.is_dir() {
                open.push(path.clone());
                FileKind::Directory
            } else if metadata.is_symlink() {
                FileKind::Symlink
            } else {
                FileKind::File {
                    size: metadata.len(),
                    seconds: metadata.mtime(),
                    nanos: metadata.mtime_nsec(),
                }
            };
            found.insert(path, kind);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_follows_its_tree_except_for_our_own_files() {
        let dir = tempfile::tempdir().unwrap();
        let (tree, copy) = (dir.path().join("tree"), dir.path().join("copy"));
        fs::create_dir_all(tree.join("sub")).unwrap();
        fs::write(tree.join("sub/a"), "one").unwrap();
        fs::write(tree.join("b"), "stays").unwrap();
        symlink("b", tree.join("link")).unwrap();
        mirror(&tree, &copy, Mode::Copy, &BTreeSet::new()).unwrap();
        assert_eq!(fs::read(copy.join("sub/a")).unwrap(), b"one");
        assert_eq!(fs::read(copy.join("link")).unwrap(), b"stays");

        fs::write(copy.join("ours"), "ours").unwrap();
        fs::write(copy.join("stray"), "stray").unwrap();
        fs::write(tree.join("sub/a"), "three").unwrap();
        fs::remove_file(tree.join("link")).unwrap();
        let before = fingerprint(&tree).unwrap();
        mirror(&tree, &copy, Mode::Copy, &BTreeSet::from(["ours".into()])).unwrap();
        assert_eq!(fs::read(copy.join("sub/a")).unwrap(), b"three");
        assert!(copy.join("ours").exists());
        assert!(!copy.join("stray").exists() && !copy.join("link").exists());
        assert_eq!(fingerprint(&tree).unwrap(), before);
    }

    #[test]
    fn an_unchanged_file_is_not_touched() {
        let dir = tempfile::tempdir().unwrap();
        let (tree, copy) = (dir.path().join("tree"), dir.path().join("copy"));
        fs::create_dir_all(&tree).unwrap();
        fs::write(tree.join("a"), "one").unwrap();
        mirror(&tree, &copy, Mode::Copy, &BTreeSet::new()).unwrap();
        let inode = fs::metadata(copy.join("a")).unwrap().ino();
        mirror(&tree, &copy, Mode::Copy, &BTreeSet::new()).unwrap();
        assert_eq!(fs::metadata(copy.join("a")).unwrap().ino(), inode);
    }
}
