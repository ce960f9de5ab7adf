// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The times of the last run, in the cache: what a step took when it last succeeded, and boots also when some failed.

use super::paths;
use crate::report::clock::Last;
use anyhow::Result;
use serde_json::{json, Map, Value};
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Returns what the step `title` took, if it is known. Nothing depends on it: a file that cannot be read has nothing.
pub fn last(title: &str) -> Option<Last> {
    last_in(&file().ok()?, title)
}

/// Keeps what the step `title` took. A cache that cannot be written is not a fault of the step.
pub fn keep(title: &str, last: Last) {
    let _ = file().and_then(|file| keep_in(&file, title, last));
}

fn file() -> Result<PathBuf> {
    Ok(paths::cache()?.join("times.json"))
}

fn read(file: &Path) -> Map<String, Value> {
    let read = || -> Option<Map<String, Value>> {
        serde_json::from_str(&fs::read_to_string(file).ok()?).ok()
    };
    read().unwrap_or_default()
}

fn last_in(file: &Path, title: &str) -> Option<Last> {
    let all = read(file);
    let step = all.get(title)?;
    Some(Last {
        time: Duration::try_from_secs_f64(step["seconds"].as_f64()?).ok()?,
        count: step["count"]
            .as_u64()
            .and_then(|count| count.try_into().ok()),
    })
}

fn keep_in(file: &Path, title: &str, last: Last) -> Result<()> {
    let mut all = read(file);
    let step = json!({ "seconds": last.time.as_secs_f64(), "count": last.count });
    all.insert(title.to_owned(), step);
    let folder = file.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    // Of two runs that end at the same time one may be forgotten, but none leaves half a file.
    let mut new = tempfile::NamedTempFile::new_in(folder)?;
    serde_json::to_writer_pretty(&mut new, &all)?;
    new.flush()?;
    new.persist(file)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_a_step_is_read_as_it_was_written() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("times.json");
        assert_eq!(last_in(&file, "build"), None);
        let (build, boots) = (
            Last {
                time: Duration::from_millis(2500),
                count: Some(12),
            },
            Last {
                time: Duration::from_secs(7),
                count: None,
            },
        );
        keep_in(&file, "build", build).unwrap();
        keep_in(&file, "boots", boots).unwrap();
        assert_eq!(last_in(&file, "build"), Some(build));
        assert_eq!(last_in(&file, "boots"), Some(boots));
        fs::write(&file, "{").unwrap();
        assert_eq!(last_in(&file, "build"), None);
    }
}
