// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The entry of MAINTAINERS, which comes with the first file that it is about.

use super::hooks::HookPlace;
use crate::kernel::source::files::TreeFiles;
use anyhow::{Context, Result};
use std::fs;
use std::path::Path;

/// The file in the kernel tree.
pub const TARGET: &str = "MAINTAINERS";

/// The title of the entry that follows in the alphabet.
const NEXT: HookPlace = HookPlace::Before("LLC (802.2)\n");

/// Returns the text `maintainers` with the entry for those of `files` that it is about; unchanged if there
/// are none.
///
/// A pattern that no file matches is left out: `get_maintainer.pl --self-test=patterns` complains of it.
///
/// # Errors
///
/// Fails if the entry cannot be read, or the place for it is not found.
pub fn with_entry(maintainers: &str, files: &TreeFiles, repository: &Path) -> Result<String> {
    let file = repository.join("kmod/MAINTAINERS");
    let entry =
        fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
    let is_kept = |line: &&str| match line.strip_prefix("F:\t") {
        Some(pattern) => files.keys().any(|path| covers(pattern.trim_end(), path)),
        None => true,
    };
    let entry: String = entry.split_inclusive('\n').filter(is_kept).collect();
    if !entry.contains("\nF:\t") {
        return Ok(maintainers.to_owned());
    }
    NEXT.insert(maintainers, &entry)
        .with_context(|| format!("cannot add an entry to {TARGET}"))
}

/// Returns whether a pattern of an `F:` line covers the file at `path`: `*` stands for anything in one
/// component, and a `/` at the end for everything below.
fn covers(pattern: &str, path: &str) -> bool {
    let (pattern, below) = match pattern.strip_suffix('/') {
        Some(directory) => (directory, true),
        None => (pattern, false),
    };
    let mut names = path.split('/');
    let matches = pattern
        .split('/')
        .all(|component| names.next().is_some_and(|name| glob(component, name)));
    matches && (names.next().is_some() == below)
}

/// Returns whether `name` matches `pattern`, in which `*` stands for anything.
fn glob(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((head, rest)) => name.strip_prefix(head).is_some_and(|tail| {
            let mut starts = tail.char_indices().map(|(at, _)| at).chain([tail.len()]);
            starts.any(|at| glob(rest, &tail[at..]))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::super::rules::RULES;
    use super::*;
    use crate::host::paths;
    use crate::kernel::changes::patches;
    use crate::kernel::Series;

    #[test]
    fn a_pattern_covers_as_get_maintainer_has_it() {
        for (pattern, path, covered) in [
            (
                "rust/kernel/answer_file.rs",
                "rust/kernel/answer_file.rs",
                true,
            ),
            (
                "rust/kernel/answer_file.rs",
                "rust/kernel/answer_file.rs/a",
                false,
            ),
            ("kernel/livepatch/", "kernel/livepatch/a/b.rs", true),
            ("kernel/livepatch/", "kernel/livepatch", false),
            ("a/*/*promoted*", "a/kprobe/kprobe_promoted_symbol.tc", true),
            ("a/*promoted*", "a/kprobe/kprobe_promoted_symbol.tc", false),
            ("a/*sympos*", "a/test-sympos.sh", true),
            ("a/*sympos*", "a/test-alias.sh", false),
        ] {
            assert_eq!(covers(pattern, path), covered, "{pattern} {path}");
        }
    }

    #[test]
    fn the_entry_has_the_patterns_of_files_that_are_there() {
        let repository = tempfile::tempdir().unwrap();
        fs::create_dir(repository.path().join("kmod")).unwrap();
        let stored = "X\nM:\tA <a@b>\nF:\tx/\nF:\ty/*.c\n\n";
        fs::write(repository.path().join("kmod/MAINTAINERS"), stored).unwrap();
        let at = |paths: &[&str]| {
            let paths = paths.iter().map(|&path| (path.to_owned(), None));
            with_entry("LLC (802.2)\n", &paths.collect(), repository.path()).unwrap()
        };
        assert_eq!(at(&["z/a.c"]), "LLC (802.2)\n");
        assert_eq!(
            at(&["y/a.c", "z/a.c"]),
            "X\nM:\tA <a@b>\nF:\ty/*.c\n\nLLC (802.2)\n"
        );
        assert_eq!(at(&["x/a", "y/a.c"]), format!("{stored}LLC (802.2)\n"));
    }

    #[test]
    fn every_pattern_of_the_entry_covers_a_file() {
        let repository = paths::repository();
        let mut files = Vec::new();
        for rule in &RULES {
            let names = rule.matching(&repository).unwrap();
            files.extend(names.iter().map(|name| rule.target(name)));
        }
        let all = Series::all().unwrap().into_iter();
        for patch in all.flat_map(|series| series.patches().unwrap()) {
            let text = fs::read_to_string(patch).unwrap();
            files.extend(patches::touched_by(&text));
        }
        let entry = fs::read_to_string(repository.join("kmod/MAINTAINERS")).unwrap();
        let patterns: Vec<_> = entry
            .lines()
            .filter_map(|line| line.strip_prefix("F:\t"))
            .collect();
        assert!(!patterns.is_empty());
        for pattern in patterns {
            assert!(
                files.iter().any(|file| covers(pattern, file)),
                "{pattern} matches no file that the overlay brings or a patch adds"
            );
        }
    }
}
