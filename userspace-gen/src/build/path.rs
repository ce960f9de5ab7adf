// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Functions for paths without `.` and `..`, and for the paths of copies.

use std::path::{Component, Path, PathBuf};

/// Removes `.` and `..` from a path without looking at the file system.
#[must_use]
pub fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => (),
            Component::ParentDir => {
                normal.pop();
            }
            part => normal.push(part),
        }
    }
    normal
}

/// Returns the path of a copy of `path` below `directory`, also where `path` is absolute.
#[must_use]
pub fn copy_below(directory: &Path, path: &Path) -> PathBuf {
    directory.join(path.strip_prefix("/").unwrap_or(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_never_in_the_place_of_the_file() {
        let copy = |path| copy_below(Path::new("work"), Path::new(path));
        assert_eq!(copy("mm/slub.o"), Path::new("work/mm/slub.o"));
        assert_eq!(copy("/usr/src/m.o"), Path::new("work/usr/src/m.o"));
    }
}
