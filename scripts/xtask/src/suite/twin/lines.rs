// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Blank lines that keep the numbers of lines equal in both versions of a file.
//!
//! `__LINE__` is in the code of every `WARN()`. Blank lines behind a function that has more lines in the other version
//! give all later lines the same numbers in both versions.

use crate::host::run;
use anyhow::{ensure, Context, Result};
use std::path::Path;
use std::process::Command;

/// Lines of a file that were replaced; numbers begin at 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Change {
    /// The first line that was replaced, and the first behind, in the old version.
    old: (usize, usize),
    /// The same in the new version.
    new: (usize, usize),
}

/// Both versions of a file, with blank lines.
#[derive(Debug, PartialEq, Eq)]
pub struct Padded {
    /// The old version.
    pub old: String,
    /// The new version.
    pub new: String,
}

/// Reads two versions of a file and adds blank lines.
///
/// # Errors
///
/// Fails if a file cannot be read, or `diff` does not run.
pub fn padded(old: &Path, new: &Path) -> Result<Padded> {
    let read = |path: &Path| {
        let bytes = std::fs::read(path);
        let bytes = bytes.with_context(|| format!("cannot read {}", path.display()))?;
        String::from_utf8(bytes).with_context(|| format!("{}: not UTF-8", path.display()))
    };
    let mut diff = Command::new("diff");
    diff.args([old, new]);
    let output = diff.output().context("cannot run diff")?;
    ensure!(
        output.status.code() == Some(1),
        "`{}` ended with {}",
        run::shell_line(&diff),
        output.status
    );
    let changes = changes(&String::from_utf8_lossy(&output.stdout));
    Ok(pad(&read(old)?, &read(new)?, &changes))
}

/// Reads the normal output of `diff`: `5,7c5`, `5a6,7`, `5,7d4`.
fn changes(diff: &str) -> Vec<Change> {
    let range = |text: &str, is_empty: bool| -> Option<(usize, usize)> {
        let (first, last) = text.split_once(',').unwrap_or((text, text));
        let (first, last): (usize, usize) = (first.parse().ok()?, last.parse().ok()?);
        // An empty range is behind the line that is named.
        Some(if is_empty {
            (first, first)
        } else {
            (first - 1, last)
        })
    };
    let change = |line: &str| {
        let at = line.find(['a', 'c', 'd'])?;
        let (old, rest) = line.split_at(at);
        let (kind, new) = rest.split_at(1);
        Some(Change {
            old: range(old, kind == "a")?,
            new: range(new, kind == "d")?,
        })
    };
    let commands = diff
        .lines()
        .filter(|line| line.starts_with(|c: char| c.is_ascii_digit()));
    commands.filter_map(change).collect()
}

fn pad(old: &str, new: &str, changes: &[Change]) -> Padded {
    let old: Vec<_> = old.split_inclusive('\n').collect();
    let new: Vec<_> = new.split_inclusive('\n').collect();
    let mut padded = Padded {
        old: String::new(),
        new: String::new(),
    };
    // The line that comes next in each version, and the number of lines that each version lacks.
    let (mut at, mut lacks) = ((0, 0), (0, 0));
    for change in changes {
        while at.0 < change.old.0 {
            common(&mut padded, (old[at.0], new[at.1]), &mut lacks);
            at = (at.0 + 1, at.1 + 1);
        }
        let (before, after) = (
            &old[change.old.0..change.old.1],
            &new[change.new.0..change.new.1],
        );
        padded.old.extend(before.iter().copied());
        padded.new.extend(after.iter().copied());
        at = (change.old.1, change.new.1);
        lacks = (lacks.0 + after.len(), lacks.1 + before.len());
        let ends = |lines: &[&str]| {
            let mut lines = lines.iter().rev();
            let last = lines.find(|line| !line.trim().is_empty());
            last.is_none_or(|line| closes(line))
        };
        if ends(before) && ends(after) && !(before.is_empty() && after.is_empty()) {
            fill(&mut padded, &mut lacks);
        }
    }
    while let (Some(a), Some(b)) = (old.get(at.0), new.get(at.1)) {
        common(&mut padded, (a, b), &mut lacks);
        at = (at.0 + 1, at.1 + 1);
    }
    padded
}

/// Adds a line that both versions have, and the blank lines if it ends a function.
fn common(padded: &mut Padded, line: (&str, &str), lacks: &mut (usize, usize)) {
    padded.old.push_str(line.0);
    padded.new.push_str(line.1);
    if closes(line.1) {
        fill(padded, lacks);
    }
}

/// Returns true if a line ends a function or variable, or code of an option, and is not in a macro.
///
/// `klp-gen build` numbers lines anew in the same places. A finer choice would show changes of `__LINE__` alone, in
/// functions that the patch changes anyway.
fn closes(line: &str) -> bool {
    let is_end = line.starts_with('}') || line.trim_start().starts_with("#endif");
    is_end && !line.trim_end().ends_with('\\')
}

fn fill(padded: &mut Padded, lacks: &mut (usize, usize)) {
    let both = lacks.0.min(lacks.1);
    padded.old.push_str(&"\n".repeat(lacks.0 - both));
    padded.new.push_str(&"\n".repeat(lacks.1 - both));
    *lacks = (0, 0);
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "int f(void)\n{\n\treturn 1;\n}\n\nint g(void)\n{\n\treturn 2;\n}\nint h;\n";

    fn versions(new: &str, diff: &str) -> Padded {
        pad(OLD, new, &changes(diff))
    }

    #[test]
    fn a_longer_function_moves_nothing() {
        let new = "int f(void)\n{\n\tg();\n\th = 1;\n\treturn 1;\n}\n\nint g(void)\n{\n\treturn 2;\n}\nint h;\n";
        let padded = versions(new, "2a3,4\n> \tg();\n> \th = 1;\n");
        assert_eq!(padded.old, OLD.replacen("}\n\n", "}\n\n\n\n", 1));
        assert_eq!(padded.new, new);
    }

    #[test]
    fn a_shorter_function_moves_nothing() {
        let new = "int f(void)\n{\n}\n\nint g(void)\n{\n\treturn 2;\n}\nint h;\n";
        let padded = versions(new, "3d2\n< \treturn 1;\n");
        assert_eq!(padded.old, OLD);
        assert_eq!(padded.new, new.replacen("}\n\n", "}\n\n\n", 1));
    }

    #[test]
    fn a_new_function_is_followed_by_its_lines() {
        let new = OLD.replacen("\nint g", "\nint i(void)\n{\n}\n\nint g", 1);
        let padded = versions(&new, "5a6,9\n> int i(void)\n> {\n> }\n> \n");
        assert_eq!(padded.old, OLD.replacen("\nint g", "\n\n\n\n\nint g", 1));
        assert_eq!(padded.new, new);
    }

    #[test]
    fn a_change_as_long_as_before_needs_no_lines() {
        let new = OLD.replace("return 1", "return 3");
        let padded = versions(&new, "3c3\n< \treturn 1;\n---\n> \treturn 3;\n");
        assert_eq!((padded.old.as_str(), &padded.new), (OLD, &new));
    }

    #[test]
    fn a_brace_of_a_macro_ends_no_function() {
        assert!(closes("}\n") && closes("};\n") && !closes("} \\\n") && !closes("\t}\n"));
        assert!(closes("#endif /* CONFIG_SMP */\n"));
    }
}
