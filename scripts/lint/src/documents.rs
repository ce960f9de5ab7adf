// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The paths and commands that the pages name.
//!
//! A page that names a file which was moved sends its reader astray. A word in backticks is a path of this
//! repository if it begins with one of its folders, or is the name of a Rust file or a script. The target of a link
//! is a path, too. `cargo xtask NAME` has to be a command.

use crate::files;
use anyhow::{Context as _, Result};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Component, Path, PathBuf};

/// The folder with a file for each command of xtask.
const COMMANDS: &str = "scripts/xtask/src/commands";

/// Paths in the kernel's tree that begin as paths of this repository do.
const KERNEL: [&str; 6] = [
    "rust/helpers/debugfs.c",
    "scripts/extract-vmlinux",
    "scripts/kallsyms.c",
    "scripts/livepatch/klp-build",
    "scripts/mksysmap",
    "scripts/sign-file",
];

/// Returns a line for each path and each command of a page that is not there.
///
/// # Errors
///
/// Fails if a page cannot be read.
pub fn faults(repository: &Path) -> Result<Vec<String>> {
    let all = files::below(repository)?;
    let relative = all
        .iter()
        .filter_map(|file| file.strip_prefix(repository).ok());
    let tree = Tree::new(relative);
    let mut faults = Vec::new();
    for page in tree
        .files
        .iter()
        .filter(|file| file.extension().is_some_and(|e| e == "md"))
    {
        let path = repository.join(page);
        let text =
            fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        for (number, what) in tree.missing(page, &text) {
            faults.push(format!("{}:{number}: {what} is not there", page.display()));
        }
    }
    Ok(faults)
}

/// The files and folders of a repository.
struct Tree {
    files: BTreeSet<PathBuf>,
    folders: BTreeSet<PathBuf>,
}

impl Tree {
    fn new<'p>(files: impl Iterator<Item = &'p Path>) -> Self {
        let files: BTreeSet<_> = files.map(Path::to_path_buf).collect();
        let folders = files.iter().flat_map(|file| file.ancestors().skip(1));
        let folders = folders.map(Path::to_path_buf).collect();
        Self { files, folders }
    }

    fn has(&self, path: &Path) -> bool {
        self.files.contains(path) || self.folders.contains(path)
    }

    /// Returns what a page names and is not there, with the numbers of the lines.
    fn missing(&self, page: &Path, text: &str) -> Vec<(usize, String)> {
        let mut missing = Vec::new();
        let mut fenced = false;
        for (number, line) in text.lines().enumerate() {
            let number = number + 1;
            if line.starts_with("```") {
                fenced = !fenced;
            }
            let commands = commands(line).filter(|command| !self.is_command(command));
            missing.extend(commands.map(|command| (number, format!("cargo xtask {command}"))));
            if fenced {
                continue;
            }
            // Every second piece is between backticks.
            let words = line
                .split('`')
                .skip(1)
                .step_by(2)
                .flat_map(str::split_whitespace);
            let paths = words
                .flat_map(expanded)
                .filter(|path| self.is_missing(path));
            missing.extend(paths.map(|path| (number, path)));
            let folder = page.parent().unwrap_or(page);
            let links = links(line).filter(|link| !self.has(&normal(&folder.join(link))));
            missing.extend(links.map(|link| (number, link.to_owned())));
        }
        missing
    }

    fn is_command(&self, name: &str) -> bool {
        let file = Path::new(COMMANDS).join(name.replace('-', "_"));
        self.files.contains(&file.with_extension("rs"))
    }

    /// Returns true if a word is a path of the repository, and nothing has that path.
    fn is_missing(&self, word: &str) -> bool {
        let path = Path::new(word.trim_end_matches(['/', '.', ',']));
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-./".contains(c);
        // `NAME.sh` stands for any name.
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        let stands_for_any = stem.chars().all(|c| c.is_ascii_uppercase());
        if !word.chars().all(is_plain) || KERNEL.contains(&word) || stands_for_any {
            return false;
        }
        let first = path
            .components()
            .next()
            .map(|first| PathBuf::from(first.as_os_str()));
        let has_folder = path.components().count() > 1;
        if has_folder && first.is_some_and(|first| self.folders.contains(&first)) {
            return !self.has(path);
        }
        let is_source = path.extension().is_some_and(|e| e == "rs" || e == "sh");
        is_source && !self.files.iter().any(|file| file.ends_with(path))
    }
}

/// Returns the names behind `cargo xtask` in a line.
fn commands(line: &str) -> impl Iterator<Item = &str> {
    let behind = line.split("cargo xtask ").skip(1);
    let names = behind.filter_map(|rest| {
        rest.split(|c: char| !c.is_ascii_alphanumeric() && c != '-')
            .next()
    });
    names.filter(|name| name.starts_with(|c: char| c.is_ascii_lowercase()))
}

/// Returns the paths to which a line links, without those of other sites and of places in the page.
fn links(line: &str) -> impl Iterator<Item = &str> {
    let targets = line
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split([')', '#']).next());
    targets.filter(|target| !target.is_empty() && !target.contains("://"))
}

/// Returns the words that a word with braces stands for: `{a,b}.rs` is `a.rs` and `b.rs`.
fn expanded(word: &str) -> Vec<String> {
    let braces = word.split_once('{').and_then(|(before, rest)| {
        let (inside, after) = rest.split_once('}')?;
        Some((before, inside, after))
    });
    let Some((before, inside, after)) = braces else {
        return vec![word.to_owned()];
    };
    let words = inside.split(',');
    words
        .flat_map(|part| expanded(&format!("{before}{part}{after}")))
        .collect()
}

/// Returns a path without `..`.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => {
                normal.pop();
            }
            Component::CurDir => {}
            other => normal.push(other),
        }
    }
    normal
}

#[cfg(test)]
mod tests {
    use super::*;

    fn missing(page: &str, text: &str) -> Vec<(usize, String)> {
        let files = [
            "README.md",
            "docs/one.md",
            "scripts/guest/init",
            "scripts/xtask/src/commands/test.rs",
            "scripts/xtask/src/commands/two_words.rs",
            "rust/kernel/a.rs",
        ];
        Tree::new(files.iter().map(Path::new)).missing(Path::new(page), text)
    }

    #[test]
    fn paths_in_backticks_are_of_the_repository_or_of_the_kernel() {
        let text = "`scripts/guest/init` `scripts/guest` `rust/kernel/{a,b}.rs`\n\
                    `test.rs` `gone.rs` `kernel/livepatch/core.c` `scripts/mksysmap` scripts/none\n\
                    `scripts/NAME.sh` `scripts/<name>` `commands/test.rs` `commands/gone.rs`\n";
        let expected = [
            (1, "rust/kernel/b.rs"),
            (2, "gone.rs"),
            (3, "commands/gone.rs"),
        ];
        assert_eq!(
            missing("README.md", text),
            expected.map(|(n, w)| (n, w.to_owned()))
        );
    }

    #[test]
    fn links_lead_from_the_folder_of_the_page() {
        let text =
            "[a](one.md) [b](../README.md#top) [c](#here) [d](https://localhost/x) [e](two.md)\n";
        assert_eq!(missing("docs/one.md", text), [(1, "two.md".to_owned())]);
    }

    #[test]
    fn commands_count_in_fences_too() {
        let text = "```\ncargo xtask test --all\ncargo xtask gone-too\ncargo xtask two-words\n`scripts/none`\n```\n`cargo xtask NAME`\n";
        assert_eq!(
            missing("README.md", text),
            [(3, "cargo xtask gone-too".to_owned())]
        );
    }
}
