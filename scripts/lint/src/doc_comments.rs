// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The first words of doc comments.
//!
//! A doc comment begins with a verb or an article. One that begins with "What", "Whether" or "How" is half a question,
//! and has to be read twice: "Returns true if a module is loaded" is "Whether a module is loaded" in plain words.

use crate::files;
use anyhow::{Context as _, Result};
use std::fs;
use std::path::Path;

/// The words that no paragraph of a doc comment begins with.
const REFUSED: [&str; 6] = ["What", "Whether", "Where", "How", "Why", "Which"];

/// The files that still have such paragraphs. The kernel is built of them, and built anew if only a comment
/// changes: each is reworded with the next change of its code. None is to be added.
const OPEN: [&str; 14] = [
    "kmod/klp_sympos_main.rs",
    "kmod/resolver.rs",
    "kunit/cases.rs",
    "kunit/checks.rs",
    "kunit/kernel.rs",
    "kunit/klp_policy.rs",
    "kunit/klp_sympos.rs",
    "kunit/shim",
    "rust/kernel/answer_file.rs",
    "rust/policy/src/prefix.rs",
    "rust/policy/src/request.rs",
    "rust/policy/src/resolve.rs",
    "rust/policy/src/search.rs",
    "rust/policy/src/stock.rs",
];

/// Returns a line for each paragraph that begins with a refused word, in any Rust file of the repository.
///
/// # Errors
///
/// Fails if a file cannot be read.
pub fn faults(repository: &Path) -> Result<Vec<String>> {
    let mut faults = Vec::new();
    for file in files::rust(repository)? {
        let name = file.strip_prefix(repository).unwrap_or(&file);
        if OPEN.iter().any(|open| name.starts_with(open)) {
            continue;
        }
        let text =
            fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        for (number, word) in paragraphs(&text) {
            faults.push(format!(
                "{}:{number}: a doc comment begins with `{word}`; begin it with a verb or an article",
                name.display()
            ));
        }
    }
    Ok(faults)
}

/// Returns the lines of a file on which a paragraph begins with a refused word, and the words.
fn paragraphs(text: &str) -> Vec<(usize, &'static str)> {
    let mut found = Vec::new();
    let mut begins = true;
    for (number, line) in text.lines().enumerate() {
        let line = line.trim_start();
        let comment = ["///", "//!"]
            .into_iter()
            .find_map(|mark| line.strip_prefix(mark));
        let Some(comment) = comment.filter(|comment| !comment.starts_with('/')) else {
            begins = true;
            continue;
        };
        let first = comment.split(|c: char| c != '\'' && !c.is_alphanumeric());
        let first = first.into_iter().find(|word| !word.is_empty());
        let refused = REFUSED.into_iter().find(|word| first == Some(*word));
        if let (true, Some(word)) = (begins, refused) {
            found.push((number + 1, word));
        }
        begins = comment.trim().is_empty();
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    #[test]
    fn the_first_word_of_each_paragraph_counts() {
        let text = "//! What it is.\n//!\n//! Where it is.\n\n/// Returns\n/// Whether it is.\nfn f() {}\n\
                    \x20   /// `Whether` it is.\n    a: u8,\n    /// Whatever it is.\n    /// - What\n";
        assert_eq!(
            paragraphs(text),
            [(1, "What"), (3, "Where"), (8, "Whether")]
        );
    }

    #[test]
    fn other_comments_may_begin_as_they_like() {
        assert_eq!(
            paragraphs("// What\n//// What\nlet s = \"/// What\";\n"),
            []
        );
    }

    #[test]
    fn a_file_that_has_no_such_paragraph_is_not_open() {
        let repository = Path::new(env!("CARGO_MANIFEST_DIR"));
        let repository = repository.ancestors().nth(2).unwrap();
        for open in OPEN {
            let path = repository.join(open);
            let files = if path.is_dir() {
                files::rust(&path).unwrap()
            } else {
                vec![path]
            };
            let text = |file: &PathBuf| fs::read_to_string(file).unwrap();
            let faulty = |file| !paragraphs(&text(file)).is_empty();
            assert!(files.iter().any(faulty), "{open}");
        }
    }
}
