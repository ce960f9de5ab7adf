// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The room on the disk.

use anyhow::{Context, Result};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Returns the bytes on the disk of the files in a directory, without those that are files of `original`, a directory of
/// the same shape, by another name.
///
/// # Errors
///
/// Fails if a directory cannot be read.
pub fn taken(directory: &Path, original: Option<&Path>) -> Result<u64> {
    let mut bytes = 0;
    let entries =
        fs::read_dir(directory).with_context(|| format!("cannot read {}", directory.display()))?;
    for entry in entries {
        let entry = entry?;
        let original = original.map(|original| original.join(entry.file_name()));
        let metadata = entry.metadata()?;
        if metadata.is_dir() {
            bytes += taken(&entry.path(), original.as_deref())?;
            continue;
        }
        let of = original.and_then(|original| fs::symlink_metadata(original).ok());
        if of.is_none_or(|of| of.ino() != metadata.ino()) {
            bytes += metadata.blocks() * 512;
        }
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_takes_room_and_another_name_of_it_does_not() {
        let dir = tempfile::tempdir().unwrap();
        let [source, tree] = ["source", "tree"].map(|name| dir.path().join(name));
        for of in [&source, &tree] {
            fs::create_dir_all(of.join("fs")).unwrap();
        }
        fs::write(source.join("fs/a.c"), [0; 5000]).unwrap();
        fs::hard_link(source.join("fs/a.c"), tree.join("fs/a.c")).unwrap();
        assert_eq!(taken(&tree, Some(&source)).unwrap(), 0);
        assert!(taken(&tree, None).unwrap() >= 5000);
        fs::write(tree.join("fs/a.o"), [1; 5000]).unwrap();
        fs::create_dir(tree.join("klp-tmp")).unwrap();
        fs::write(tree.join("klp-tmp/a.o"), [1; 5000]).unwrap();
        let built = taken(&tree, Some(&source)).unwrap();
        assert!((10_000..40_000).contains(&built), "{built}");
        assert!(taken(&tree.join("none"), None).is_err());
    }
}
