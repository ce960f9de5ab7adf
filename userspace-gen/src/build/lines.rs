// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The numbers of lines that a patch moves.
//!
//! `__LINE__` is in the code of every `WARN()` and `might_sleep()`. A line that a patch inserts would change all
//! functions behind it. So a `#line` is put behind each change, at the end of the function. The end is a guess; if it
//! is wrong, too many functions count as changed, and nothing else happens. The preprocessor skips a `#line` in code
//! that is not compiled, so a `#line` is put behind each `#endif` as well.

use diffy::{Line, Patch};
use std::collections::BTreeMap;

/// Lines of a file that were replaced. Numbers begin at 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// The first line behind the change, in the file as it was.
    pub old_end: usize,
    /// The first line behind the change, in the file as it is now.
    pub new_end: usize,
}

/// Returns the changes that a patch makes to a text to which it applies.
#[must_use]
pub fn changes(text: &[u8], patch: &Patch<'_, [u8]>) -> Vec<Change> {
    let old: Vec<_> = text.split_inclusive(|&b| b == b'\n').collect();
    let mut changes = Vec::new();
    let mut moved = 0_isize;
    let mut from = 0;
    for hunk in patch.hunks() {
        let wanted: Vec<_> = hunk
            .lines()
            .iter()
            .filter_map(|line| match line {
                Line::Context(line) | Line::Delete(line) => Some(*line),
                Line::Insert(_) => None,
            })
            .collect();
        let Some(start) = place(
            &old,
            &wanted,
            hunk.old_range().start().saturating_sub(1),
            from,
        ) else {
            continue;
        };
        let mut at = start;
        let mut is_open = false;
        for line in hunk.lines() {
            match line {
                Line::Delete(_) => {
                    (at, moved, is_open) = (at + 1, moved - 1, true);
                }
                Line::Insert(_) => {
                    (moved, is_open) = (moved + 1, true);
                }
                Line::Context(_) => {
                    if is_open {
                        changes.push(change(at, moved));
                    }
                    (at, is_open) = (at + 1, false);
                }
            }
        }
        if is_open {
            changes.push(change(at, moved));
        }
        from = at;
    }
    changes
}

fn change(old_end: usize, moved: isize) -> Change {
    Change {
        old_end,
        new_end: old_end.saturating_add_signed(moved),
    }
}

/// Returns the place of the wanted lines in a file that is nearest to the place in the patch.
fn place(old: &[&[u8]], wanted: &[&[u8]], near: usize, from: usize) -> Option<usize> {
    let last = old.len().checked_sub(wanted.len())?;
    let fits = |&at: &usize| old.get(at..at + wanted.len()) == Some(wanted);
    let places = (from..=last).filter(fits);
    places.min_by_key(|at| at.abs_diff(near))
}

/// Combines the changes of a patch with those of a later patch.
///
/// The later changes are changes of the file that the first patch made.
#[must_use]
pub fn combine(first: &[Change], later: &[Change]) -> Vec<Change> {
    if first.is_empty() {
        return later.to_vec();
    }
    // The old and the new number of a line of the file in between.
    let before = |line: usize| {
        let change = first.iter().rev().find(|change| change.new_end <= line);
        change.map_or(line, |c| c.old_end + (line - c.new_end))
    };
    let after = |line: usize| {
        let change = later.iter().rev().find(|change| change.old_end <= line);
        change.map_or(line, |c| c.new_end + (line - c.old_end))
    };
    let mut all: Vec<_> = first
        .iter()
        .map(|c| Change {
            old_end: c.old_end,
            new_end: after(c.new_end),
        })
        .collect();
    all.extend(later.iter().map(|c| Change {
        old_end: before(c.old_end),
        new_end: c.new_end,
    }));
    all.sort_by_key(|change| (change.new_end, change.old_end));
    all.dedup_by_key(|change| change.new_end);
    all
}

/// Returns the text with a `#line` behind each change that moved the lines behind it.
#[must_use]
pub fn keep_numbers(text: &[u8], changes: &[Change]) -> Vec<u8> {
    let lines: Vec<_> = text.split_inclusive(|&b| b == b'\n').collect();
    let Some(first) = changes.iter().find(|c| c.old_end != c.new_end) else {
        return text.to_vec();
    };
    // The lines behind which a #line is put, each with the number of the next line.
    let mut marks = BTreeMap::new();
    for at in first.new_end..lines.len() {
        let change = changes.iter().rev().find(|change| change.new_end <= at);
        if let (true, Some(change)) = (is_conditional(&lines, at), change) {
            marks.insert(at, at - change.new_end + change.old_end + 2);
        }
    }
    for (at, change) in changes.iter().enumerate() {
        let next = changes.get(at + 1).map_or(lines.len(), |next| next.new_end);
        let end =
            (change.new_end.saturating_sub(1)..lines.len()).find(|&line| closes(&lines, line));
        let Some(end) = end.filter(|&end| end < next) else {
            continue;
        };
        let old = (end + 1 + change.old_end).checked_sub(change.new_end);
        if let Some(old) = old {
            marks.insert(end, old + 1);
        }
    }
    let mut marked = Vec::with_capacity(text.len());
    let mut marks = marks.into_iter().peekable();
    for (at, line) in lines.iter().enumerate() {
        marked.extend_from_slice(line);
        if let Some((_, number)) = marks.next_if(|(end, _)| *end == at) {
            if !line.ends_with(b"\n") {
                continue;
            }
            marked.extend_from_slice(format!("#line {number}\n").as_bytes());
        }
    }
    marked
}

/// Returns true if a line is a directive of conditional compilation.
fn is_conditional(lines: &[&[u8]], at: usize) -> bool {
    let line = lines.get(at).copied().unwrap_or_default();
    let directive = line.trim_ascii_start().strip_prefix(b"#");
    let directive = directive.map(<[u8]>::trim_ascii_start).unwrap_or_default();
    let is_it = |name: &&[u8]| directive.starts_with(name);
    [&b"if"[..], b"el", b"endif"].iter().any(is_it) && !continues(line)
}

/// Returns true if the next line continues a line.
fn continues(line: &[u8]) -> bool {
    line.trim_ascii_end().ends_with(b"\\")
}

/// Returns true if a line closes a function or an initialiser: a brace in the first column, not in a macro.
fn closes(lines: &[&[u8]], at: usize) -> bool {
    let before = at.checked_sub(1).and_then(|before| lines.get(before));
    let line = lines.get(at).copied().unwrap_or_default();
    line.starts_with(b"}") && !continues(line) && !before.is_some_and(|line| continues(line))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str =
        "int a;\nint f(void)\n{\n\treturn 1;\n}\nint g(void)\n{\n\treturn __LINE__;\n}\n";

    fn marked(before: &str, patch: &str) -> String {
        let patch = Patch::from_bytes(patch.as_bytes()).unwrap();
        let changes = changes(before.as_bytes(), &patch);
        let after = diffy::apply_bytes(before.as_bytes(), &patch).unwrap();
        String::from_utf8(keep_numbers(&after, &changes)).unwrap()
    }

    #[test]
    fn lines_behind_the_function_keep_their_numbers() {
        let patch = "--- a\n+++ b\n@@ -2,4 +2,5 @@\n int f(void)\n {\n+\ta++;\n \treturn 1;\n }\n";
        let expected = "int a;\nint f(void)\n{\n\ta++;\n\treturn 1;\n}\n#line 6\nint g(void)\n{\n\treturn __LINE__;\n}\n";
        assert_eq!(marked(FILE, patch), expected);
    }

    #[test]
    fn a_replaced_line_moves_nothing() {
        let patch = "--- a\n+++ b\n@@ -4,2 +4,2 @@\n-\treturn 1;\n+\treturn 2;\n }\n";
        assert!(!marked(FILE, patch).contains("#line"));
    }

    #[test]
    fn a_new_function_has_its_mark_behind_it() {
        let patch =
            "--- a\n+++ b\n@@ -5,2 +5,6 @@\n }\n+int h(void)\n+{\n+\treturn 3;\n+}\n int g(void)\n";
        let text = marked(FILE, patch);
        assert!(
            text.contains("\treturn 3;\n}\n#line 6\nint g(void)\n"),
            "{text}"
        );
    }

    #[test]
    fn code_that_is_left_out_takes_no_mark_with_it() {
        let before = "#ifdef A\nint f(void)\n{\n}\n#else\nint h;\n# endif /* A */\nint g;\n";
        let patch = "--- a\n+++ b\n@@ -2,3 +2,4 @@\n int f(void)\n {\n+\ta++;\n }\n";
        let expected = "#ifdef A\nint f(void)\n{\n\ta++;\n}\n#line 5\n#else\n#line 6\nint h;\n# endif /* A */\n#line 8\nint g;\n";
        assert_eq!(marked(before, patch), expected);
    }

    #[test]
    fn a_brace_in_a_macro_ends_nothing() {
        let before = "#define M \\\n{ \\\n} \\\n\nint g(void)\n{\n}\nint h;\n";
        let patch = "--- a\n+++ b\n@@ -1,2 +1,3 @@\n #define M \\\n+x \\\n { \\\n";
        let text = marked(before, patch);
        assert!(text.ends_with("}\n#line 8\nint h;\n"), "{text}");
    }

    #[test]
    fn two_patches_of_one_file() {
        let first = [Change {
            old_end: 3,
            new_end: 4,
        }];
        let later = [Change {
            old_end: 8,
            new_end: 6,
        }];
        let both = combine(&first, &later);
        assert_eq!(
            both,
            [
                Change {
                    old_end: 3,
                    new_end: 4
                },
                Change {
                    old_end: 7,
                    new_end: 6
                }
            ]
        );
        // The later change is before the first.
        let later = [Change {
            old_end: 1,
            new_end: 2,
        }];
        let both = combine(&first, &later);
        assert_eq!(
            both,
            [
                Change {
                    old_end: 1,
                    new_end: 2
                },
                Change {
                    old_end: 3,
                    new_end: 5
                }
            ]
        );
    }
}
