// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The directories of built kernels in the cache.

use crate::kernel::Lane;
use crate::report::progress;
use anyhow::Result;
use std::fs::{self, File};
use std::path::Path;

/// Removes all but the last used builds, except those that somebody uses at this moment.
///
/// Kept are as many as the lanes need that have one of Debian's source and one of a tree of the user's own each.
///
/// # Errors
///
/// Fails if the lanes are not known.
pub fn forget_old_builds(current: &Path) -> Result<()> {
    let kept = 2 * Lane::all()?.len();
    let Some(all) = current.parent() else {
        return Ok(());
    };
    let Ok(entries) = fs::read_dir(all) else {
        return Ok(());
    };
    let used = |dir: &Path| fs::metadata(dir.join("lock")).and_then(|lock| lock.modified());
    let mut dirs: Vec<_> = entries
        .filter_map(|entry| {
            let dir = entry.ok()?.path();
            Some((used(&dir).ok()?, dir))
        })
        .collect();
    dirs.sort();
    for (_, dir) in dirs.iter().rev().skip(kept) {
        let free = File::open(dir.join("lock")).is_ok_and(|lock| lock.try_lock().is_ok());
        if free && dir != current {
            progress::note(&format!("removing the old build {}", dir.display()));
            // What cannot be removed now will be tried again by the next build.
            let _ = fs::remove_dir_all(dir);
        }
    }
    Ok(())
}
