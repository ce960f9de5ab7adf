// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Paths without `.` and `..`.

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
