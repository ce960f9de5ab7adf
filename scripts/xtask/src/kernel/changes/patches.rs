// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Applies the patches of a series.

use crate::host::run;
use crate::kernel::source::files::TreeFiles;
use anyhow::{Context, Result};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Returns the files that `patches` touch in the tree `pristine`, with the patches applied.
///
/// They must apply exactly: `git apply` knows no fuzz.
///
/// # Errors
///
/// Fails if one does not apply.
pub fn apply(patches: &[PathBuf], pristine: &Path) -> Result<TreeFiles> {
    let mut touched = BTreeSet::new();
    for patch in patches {
        let text = fs::read(patch).with_context(|| format!("cannot read {}", patch.display()))?;
        touched.extend(touched_by(&String::from_utf8_lossy(&text)));
    }
    // Not below a git repository, where `git apply` would take the paths as relative to its top.
    let stage = tempfile::tempdir()?;
    for path in &touched {
        let from = pristine.join(path);
        let to = stage.path().join(path);
        if from.exists() {
            fs::create_dir_all(to.parent().unwrap_or(stage.path()))?;
            fs::copy(&from, &to).with_context(|| format!("cannot copy {}", from.display()))?;
        }
    }
    for patch in patches {
        let mut git = Command::new("git");
        git.current_dir(stage.path())
            .env("GIT_CEILING_DIRECTORIES", stage.path())
            .args(["apply", "--whitespace=nowarn"])
            .arg(patch);
        run::captured(&mut git)
            .with_context(|| format!("{} does not apply to the kernel source", patch.display()))?;
    }
    let mut files = TreeFiles::new();
    for path in touched {
        files.insert(path.clone(), fs::read(stage.path().join(path)).ok());
    }
    Ok(files)
}

/// The paths on both sides of a patch.
pub fn touched_by(text: &str) -> impl Iterator<Item = String> + '_ {
    text.lines().filter_map(|line| {
        let path = line
            .strip_prefix("--- a/")
            .or_else(|| line.strip_prefix("+++ b/"))?;
        Some(path.trim_end().to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATCH: &str =
        "Subject: [PATCH] x\n\n---\n a | 2 +-\n\ndiff --git a/a b/a\n--- a/a\n+++ b/a\n\
                         @@ -1 +1 @@\n-one\n+two\ndiff --git a/n b/n\nnew file mode 100644\n\
                         --- /dev/null\n+++ b/n\n@@ -0,0 +1 @@\n+new\n";

    #[test]
    fn finds_the_files_of_a_patch() {
        let paths: BTreeSet<_> = touched_by(PATCH).collect();
        assert_eq!(paths, BTreeSet::from(["a".to_owned(), "n".to_owned()]));
    }

    #[test]
    fn applies_to_copies_of_the_touched_files_only() {
        let dir = tempfile::tempdir().unwrap();
        let tree = dir.path().join("tree");
        fs::create_dir_all(&tree).unwrap();
        fs::write(tree.join("a"), "one\n").unwrap();
        let patch = dir.path().join("0001.patch");
        fs::write(&patch, PATCH).unwrap();
        let files = apply(std::slice::from_ref(&patch), &tree).unwrap();
        assert_eq!(files["a"].as_deref(), Some(&b"two\n"[..]));
        assert_eq!(files["n"].as_deref(), Some(&b"new\n"[..]));
        assert_eq!(fs::read(tree.join("a")).unwrap(), b"one\n");

        fs::write(tree.join("a"), "other\n").unwrap();
        let error = apply(&[patch], &tree).unwrap_err().to_string();
        assert!(error.contains("0001.patch does not apply"), "{error}");
    }
}
