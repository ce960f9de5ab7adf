// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Everything that differs from the pristine tree, and how it gets into the working copy.

pub mod overlay;
pub mod patches;

use super::link::Link;
use super::series::Series;
use super::source::files::TreeFiles;
use super::source::Source;
use crate::host::paths;
use anyhow::{Context, Result};
use overlay::Part;
use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::Path;

/// Lists, in a build's directory, every path that was ever changed in its copy of the source.
const EVER_CHANGED: &str = "changed-paths";

/// The patches and the overlay, as contents of files.
pub struct Changes {
    /// The contents.
    pub files: TreeFiles,
}

impl Changes {
    /// Collects them from the repository.
    ///
    /// # Errors
    ///
    /// Fails if a patch does not apply or a file cannot be read.
    pub fn collect(link: Link, source: &Source) -> Result<Self> {
        let repository = paths::repository();
        let patches = source.series.patches()?;
        let mut files = patches::apply(&patches, &source.pristine)?;
        for part in parts(link, &source.series) {
            overlay::add(part, &repository, &source.pristine, &mut files)?;
        }
        Ok(Self { files })
    }

    /// Makes the working copy `tree` differ from `pristine` in this and nothing else.
    ///
    /// Only files whose content differs are written, so that `make` sees what changed. `state` is the
    /// directory that remembers which paths were changed before.
    ///
    /// # Errors
    ///
    /// Fails if a file cannot be read or written.
    pub fn sync(&self, pristine: &Path, tree: &Path, state: &Path) -> Result<()> {
        let mut paths = ever_changed(state)?;
        paths.extend(self.files.keys().cloned());
        // First, so that an interruption loses no path.
        let list: Vec<_> = paths.iter().map(String::as_str).collect();
        fs::write(state.join(EVER_CHANGED), list.join("\n"))?;
        for path in &paths {
            let wanted = match self.files.get(path) {
                Some(contents) => contents.clone(),
                None => fs::read(pristine.join(path)).ok(),
            };
            let target = tree.join(path);
            if fs::read(&target).ok() == wanted {
                continue;
            }
            match wanted {
                Some(contents) => replace(&target, &contents, &pristine.join(path)),
                None => fs::remove_file(&target).map_err(Into::into),
            }
            .with_context(|| format!("cannot update {}", target.display()))?;
        }
        Ok(())
    }
}

/// Returns the parts of the overlay that a lane adds to the source beside the patches.
///
/// A kernel whose build does not look for collisions cannot cure those that are planted.
pub fn parts(link: Link, series: &Series) -> Vec<Part> {
    let mut parts = Part::BUILT.to_vec();
    if series.finds_collisions(link) {
        parts.push(Part::Planted);
    }
    parts
}

/// The paths that were ever changed in the copy that belongs to `state`.
///
/// # Errors
///
/// Fails if the list exists and cannot be read.
pub fn ever_changed(state: &Path) -> Result<BTreeSet<String>> {
    let list = state.join(EVER_CHANGED);
    if !list.exists() {
        return Ok(BTreeSet::new());
    }
    let text =
        fs::read_to_string(&list).with_context(|| format!("cannot read {}", list.display()))?;
    Ok(text.lines().map(str::to_owned).collect())
}

/// Puts a new file in place of the old one, which may be a hard link into the pristine tree; the mode
/// is that of `like`, if that exists.
fn replace(target: &Path, contents: &[u8], like: &Path) -> Result<()> {
    let dir = target.parent().context("a file without a directory")?;
    fs::create_dir_all(dir)?;
    let mut file = tempfile::NamedTempFile::new_in(dir)?;
    file.write_all(contents)?;
    let mut permissions = file.as_file().metadata()?.permissions();
    match fs::metadata(like) {
        Ok(metadata) => permissions = metadata.permissions(),
        Err(_) => std::os::unix::fs::PermissionsExt::set_mode(&mut permissions, 0o644),
    }
    file.as_file().set_permissions(permissions)?;
    file.persist(target)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_comes_and_goes_without_touching_the_original() {
        let dir = tempfile::tempdir().unwrap();
        let [pristine, tree, state] = ["pristine", "tree", "state"].map(|name| {
            let dir = dir.path().join(name);
            fs::create_dir_all(&dir).unwrap();
            dir
        });
        fs::write(pristine.join("a"), "one").unwrap();
        fs::hard_link(pristine.join("a"), tree.join("a")).unwrap();

        let files = TreeFiles::from([
            ("a".to_owned(), Some(b"two".to_vec())),
            ("sub/new".to_owned(), Some(b"new".to_vec())),
        ]);
        Changes { files }.sync(&pristine, &tree, &state).unwrap();
        assert_eq!(fs::read(tree.join("a")).unwrap(), b"two");
        assert_eq!(fs::read(tree.join("sub/new")).unwrap(), b"new");
        assert_eq!(fs::read(pristine.join("a")).unwrap(), b"one");

        let none = Changes {
            files: TreeFiles::new(),
        };
        none.sync(&pristine, &tree, &state).unwrap();
        assert_eq!(fs::read(tree.join("a")).unwrap(), b"one");
        assert!(!tree.join("sub/new").exists());
    }
}
