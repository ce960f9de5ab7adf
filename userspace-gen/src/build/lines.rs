// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The numbers of lines that a patch moves.
//!
//! `__LINE__` is in the code of every `WARN()` and `might_sleep()`. A line that a patch inserts would change all
//! functions behind it. So a `#line` is put behind each change, at the end of the function. The end is a guess; if it
//! is wrong, too many functions count as changed, and nothing else happens. The preprocessor skips a `#line` in code
//! that is not compiled, so a `#line` is put behind each `#endif` as well.

use super::shape::{shapes, Shape};
use diffy::{Hunk, Line, Patch};
use std::collections::BTreeMap;
use std::ops::RangeInclusive;

/// The lines of a patched file, each with its number in the original.
///
/// Numbers begin at 0, as places in a list.
#[derive(Clone, Debug, Default)]
pub struct Lines {
    /// The number of each line in the original; none for a new line.
    origins: Vec<Option<usize>>,
    /// The number of lines of the original.
    original: usize,
}

/// Lines of a file that were replaced. Numbers begin at 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Change {
    /// The first line behind the change, in the file as it was.
    old_end: usize,
    /// The first line behind the change, in the file as it is now.
    new_end: usize,
}

impl Lines {
    /// Returns the lines of a file before the first patch.
    #[must_use]
    pub fn new(text: &[u8]) -> Self {
        let original = split(text).len();
        Self {
            origins: (0..original).map(Some).collect(),
            original,
        }
    }

    /// Applies a patch to a text, which has these lines, and returns the patched text.
    ///
    /// Hunks are placed in order, as near as possible to the place that the hunk before suggests. Every line has to be there.
    /// As for git-apply(1), a hunk without context behind its change is at the end of the file, and one of the first line
    /// without context in front is at the beginning. A hunk without any context has to be in its place.
    ///
    /// # Errors
    ///
    /// The first hunk that has no place, or that would join two lines, as its number from 0.
    pub fn patch(
        &mut self,
        text: &[u8],
        patch: &Patch<'_, [u8]>,
    ) -> std::result::Result<Vec<u8>, usize> {
        let old = split(text);
        let mut patched = Vec::with_capacity(text.len());
        let mut origins = Vec::with_capacity(old.len());
        let joins = |patched: &Vec<u8>| !patched.is_empty() && !patched.ends_with(b"\n");
        // The place that the hunk before named, and the place where it was found.
        let (mut at, mut moved) = (0, (0, 0));
        for (number, hunk) in patch.hunks().iter().enumerate() {
            let start = place(&old, hunk, moved, at).ok_or(number)?;
            moved = (named(hunk), start);
            for (line, &bytes) in old.iter().enumerate().take(start).skip(at) {
                origins.push(self.origin(line));
                patched.extend_from_slice(bytes);
            }
            at = start;
            for line in hunk.lines() {
                match line {
                    Line::Delete(_) => at += 1,
                    Line::Insert(_) | Line::Context(_) if joins(&patched) => return Err(number),
                    Line::Insert(bytes) => {
                        origins.push(None);
                        patched.extend_from_slice(bytes);
                    }
                    Line::Context(bytes) => {
                        origins.push(self.origin(at));
                        patched.extend_from_slice(bytes);
                        at += 1;
                    }
                }
            }
        }
        if at < old.len() && joins(&patched) {
            return Err(patch.hunks().len().saturating_sub(1));
        }
        for (line, &bytes) in old.iter().enumerate().skip(at) {
            origins.push(self.origin(line));
            patched.extend_from_slice(bytes);
        }
        self.origins = origins;
        Ok(patched)
    }

    /// Returns the replaced lines in order.
    fn changes(&self) -> Vec<Change> {
        let mut changes = Vec::new();
        let mut next = 0;
        let mut is_open = false;
        let end = (self.origins.len(), Some(self.original));
        for (new_end, origin) in self.origins.iter().copied().enumerate().chain([end]) {
            let Some(old_end) = origin else {
                is_open = true;
                continue;
            };
            if is_open || old_end != next {
                changes.push(Change { old_end, new_end });
            }
            (next, is_open) = (old_end + 1, false);
        }
        changes
    }

    /// Returns the patched text with a `#line` behind each change that moved the lines behind it.
    #[must_use]
    pub fn keep_numbers(&self, text: &[u8]) -> Vec<u8> {
        let mut marks = self.marks(text).into_iter().peekable();
        let mut marked = Vec::with_capacity(text.len());
        for (at, line) in split(text).into_iter().enumerate() {
            marked.extend_from_slice(line);
            if let Some((_, number)) = marks.next_if(|(end, _)| *end == at) {
                marked.extend_from_slice(format!("#line {number}\n").as_bytes());
            }
        }
        marked
    }

    /// Returns the lines that the compiler gives a number, in the text that [`keep_numbers`](Self::keep_numbers) returns:
    /// their places in the patched text. The first number is 1.
    #[must_use]
    pub fn numbered(&self, text: &[u8], number: usize) -> Vec<usize> {
        let marks = self.marks(text);
        let mut next = 1;
        let mut found = Vec::new();
        for at in 0..self.origins.len() {
            if next == number {
                found.push(at);
            }
            next = marks.get(&at).copied().unwrap_or(next + 1);
        }
        found
    }

    /// Returns the number that a line has in the original.
    #[must_use]
    pub fn origin(&self, line: usize) -> Option<usize> {
        self.origins.get(line).copied().flatten()
    }

    /// Returns the places in the original of lines that follow each other there as here.
    #[must_use]
    pub fn unchanged(&self, lines: &RangeInclusive<usize>) -> Option<RangeInclusive<usize>> {
        let first = self.origin(*lines.start())?;
        let mut expected = (first..).zip(lines.clone());
        let is_same = expected.all(|(origin, line)| self.origin(line) == Some(origin));
        is_same.then(|| first..=first + (lines.end() - lines.start()))
    }

    /// Returns the lines behind which a `#line` is put, each with the number of the next line, which begins at 1.
    fn marks(&self, text: &[u8]) -> BTreeMap<usize, usize> {
        let lines = split(text);
        let changes = self.changes();
        let mut marks = BTreeMap::new();
        let Some(first) = changes.iter().find(|c| c.old_end != c.new_end) else {
            return marks;
        };
        let shapes = shapes(text);
        // The compiler reads no directive in a comment.
        let is_code = |at: usize| {
            shapes
                .get(at)
                .is_some_and(|shape: &Shape| !shape.begins_in_comment)
        };
        let conditional = |&at: &usize| is_code(at) && is_conditional(&lines, at);
        for at in (first.new_end..lines.len()).filter(conditional) {
            let change = changes.iter().rev().find(|change| change.new_end <= at);
            if let Some(change) = change {
                marks.insert(at, at - change.new_end + change.old_end + 2);
            }
        }
        for (at, change) in changes.iter().enumerate() {
            let next = changes.get(at + 1).map_or(lines.len(), |next| next.new_end);
            let mut behind = change.new_end.saturating_sub(1)..lines.len();
            let end = behind.find(|&line| is_code(line) && closes(&lines, line));
            let Some(end) = end.filter(|&end| end < next) else {
                continue;
            };
            let old = (end + 1 + change.old_end).checked_sub(change.new_end);
            if let Some(old) = old {
                marks.insert(end, old + 1);
            }
        }
        // The last line may have no end.
        marks.retain(|&at, _| {
            let has_end = lines.get(at).is_some_and(|line| line.ends_with(b"\n"));
            has_end && shapes.get(at).is_some_and(|shape| !shape.ends_open)
        });
        marks
    }
}

fn split(text: &[u8]) -> Vec<&[u8]> {
    text.split_inclusive(|&b| b == b'\n').collect()
}

/// Returns true if a hunk has lines that stay.
#[must_use]
pub fn has_context(hunk: &Hunk<'_, [u8]>) -> bool {
    let mut lines = hunk.lines().iter();
    lines.any(|line| matches!(line, Line::Context(_)))
}

/// Returns the place that a hunk names. A hunk that only adds lines names the line in front of them.
fn named(hunk: &Hunk<'_, [u8]>) -> usize {
    let range = hunk.old_range();
    range.start().saturating_sub(usize::from(!range.is_empty()))
}

/// Returns the place of a hunk in a file, not before `from`. `moved` has the place that the hunk before named, and the place
/// where it was found.
fn place(
    old: &[&[u8]],
    hunk: &Hunk<'_, [u8]>,
    moved: (usize, usize),
    from: usize,
) -> Option<usize> {
    let lines = hunk.lines();
    let wanted = lines.iter().filter_map(|line| match line {
        Line::Context(line) | Line::Delete(line) => Some(*line),
        Line::Insert(_) => None,
    });
    let wanted: Vec<_> = wanted.collect();
    let (named_before, before) = moved;
    let near = named(hunk)
        .saturating_add(before)
        .saturating_sub(named_before);
    let fits = |at: usize| {
        let rest = old.get(at..).filter(|_| at >= from);
        rest.is_some_and(|rest| rest.starts_with(&wanted))
    };
    if !has_context(hunk) {
        // Nothing says that lines without context are in their place, but the lines that they replace.
        return (fits(near) && (!wanted.is_empty() || old.is_empty())).then_some(near);
    }
    let last = old.len().checked_sub(wanted.len())?;
    let is_context = |line: Option<&Line<'_, [u8]>>| matches!(line, Some(Line::Context(_)));
    let is_first = hunk.old_range().start() <= 1 && !is_context(lines.first());
    let is_last = !is_context(lines.last());
    let places = (from..=last).filter(|&at| fits(at));
    let places = places.filter(|&at| (at == 0 || !is_first) && (at == last || !is_last));
    places.min_by_key(|&at| (at.abs_diff(near), at < near))
}

/// Returns true if a line is a directive of conditional compilation.
fn is_conditional(lines: &[&[u8]], at: usize) -> bool {
    let line = lines.get(at).copied().unwrap_or_default();
    let directive = line.trim_ascii_start().strip_prefix(b"#");
    let directive = directive.map(<[u8]>::trim_ascii_start).unwrap_or_default();
    let is_it = |name: &&[u8]| directive.starts_with(name);
    [&b"if"[..], b"el", b"endif"].iter().any(is_it) && !continues(line)
}

/// Returns true if a text has a directive that gives lines other numbers or another file.
#[must_use]
pub fn has_line_directive(text: &[u8]) -> bool {
    split(text).into_iter().any(|line| {
        let directive = line.trim_ascii_start().strip_prefix(b"#");
        let directive = directive.unwrap_or_default().trim_ascii_start();
        directive.starts_with(b"line") || directive.first().is_some_and(u8::is_ascii_digit)
    })
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

    /// Returns a text with patches applied, and its lines.
    fn patched(before: &str, patches: &[&str]) -> (Vec<u8>, Lines) {
        let (mut text, mut lines) = (before.as_bytes().to_vec(), Lines::new(before.as_bytes()));
        for patch in patches {
            let patch = Patch::from_bytes(patch.as_bytes()).unwrap();
            text = lines.patch(&text, &patch).unwrap();
        }
        (text, lines)
    }

    fn marked(before: &str, patch: &str) -> String {
        let (text, lines) = patched(before, &[patch]);
        String::from_utf8(lines.keep_numbers(&text)).unwrap()
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

    /// Returns the lines of a patched text, or the number of the hunk that has no place.
    fn applied(before: &str, hunks: &str) -> Result<String, usize> {
        let text = format!("--- a\n+++ b\n{hunks}");
        let patch = Patch::from_bytes(text.as_bytes()).unwrap();
        let patched = Lines::new(before.as_bytes()).patch(before.as_bytes(), &patch);
        patched.map(|text| String::from_utf8(text).unwrap().replace('\n', " "))
    }

    #[test]
    fn a_hunk_without_context_is_in_its_place() {
        let text = "a\nb\na\nb\na\n";
        assert_eq!(applied(text, "@@ -3 +2,0 @@\n-a\n").unwrap(), "a b b a ");
        assert_eq!(
            applied(text, "@@ -4 +4 @@\n-b\n+c\n").unwrap(),
            "a b a c a "
        );
        for hunk in ["@@ -2 +2 @@\n-a\n+c\n", "@@ -2,0 +3 @@\n+c\n"] {
            assert_eq!(applied(text, hunk), Err(0), "{hunk}");
        }
        assert_eq!(applied("", "@@ -0,0 +1 @@\n+c\n").unwrap(), "c ");
        let far = format!("@@ -{} +1 @@\n-a\n+c\n", usize::MAX / 4);
        assert_eq!(applied(text, &far), Err(0));
    }

    #[test]
    fn a_hunk_of_the_end_or_the_beginning_is_there() {
        let text = "a\nb\na\nb\n";
        let last = "@@ -1,2 +1,3 @@\n a\n b\n+c\n";
        assert_eq!(applied(text, last).unwrap(), "a b a b c ");
        assert_eq!(applied("a\nb\nc\n", last), Err(0));
        let first = "@@ -1,2 +1,3 @@\n+c\n a\n b\n";
        assert_eq!(applied(text, first).unwrap(), "c a b a b ");
        assert_eq!(applied("d\na\nb\n", first), Err(0));
    }

    #[test]
    fn a_line_without_end_is_the_last() {
        let hunk = "@@ -1 +1 @@\n-a\n+c\n\\ No newline at end of file\n";
        assert_eq!(applied("a\n", hunk).unwrap(), "c");
        assert_eq!(applied("a\nb\n", hunk), Err(0));
    }

    #[test]
    fn hunks_move_together_and_keep_their_order() {
        let text = "x\na\nb\n1\n2\na\nb\n3\n";
        // Both are two lines too early. The first line of the second is also in front of the first hunk.
        let moved = "@@ -2,2 +2,3 @@\n 1\n+new\n 2\n@@ -4,2 +5,3 @@\n a\n+new\n b\n";
        assert_eq!(applied(text, moved).unwrap(), "x a b 1 new 2 a new b 3 ");
        let behind = "@@ -4,2 +4,3 @@\n 1\n+new\n 2\n@@ -7,2 +8,3 @@\n x\n+new\n a\n";
        assert_eq!(applied(text, behind), Err(1));
    }

    #[test]
    fn a_directive_for_lines() {
        for text in ["#line 7\n", "int a;\n # 7 \"a.y\"\n", "#  line 7 \"a.y\"\n"] {
            assert!(has_line_directive(text.as_bytes()), "{text}");
        }
        assert!(!has_line_directive(b"#if 7\nline 7\n7\n# define line 7\n"));
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
        let changes = |later: &str| {
            let first = "--- a\n+++ b\n@@ -3,2 +3,3 @@\n {\n+\ta++;\n \treturn 1;\n";
            let changes = patched(FILE, &[first, later]).1.changes();
            let ends = changes
                .iter()
                .map(|change| (change.old_end, change.new_end));
            ends.collect::<Vec<_>>()
        };
        let behind = "--- a\n+++ b\n@@ -7,3 +7,2 @@\n int g(void)\n-{\n \treturn __LINE__;\n";
        assert_eq!(changes(behind), [(3, 4), (7, 7)]);
        let before = "--- a\n+++ b\n@@ -1,2 +1,3 @@\n int a;\n+int b;\n int f(void)\n";
        assert_eq!(changes(before), [(1, 2), (3, 5)]);
        let undone = "--- a\n+++ b\n@@ -3,3 +3,2 @@\n {\n-\ta++;\n \treturn 1;\n";
        assert_eq!(changes(undone), []);
    }

    #[test]
    fn a_line_that_the_patch_moved_has_its_number_in_the_original() {
        let before =
            "int f(void)\n{\n\tstatic int x;\n\treturn x;\n}\nint g(void) { static int y; }\n";
        let patch =
            "--- a\n+++ b\n@@ -2,2 +2,4 @@\n {\n+\tstatic int x;\n+\tx++;\n \tstatic int x;\n";
        let (text, lines) = patched(before, &[patch]);
        let marked = String::from_utf8(lines.keep_numbers(&text)).unwrap();
        assert!(
            marked.contains("\treturn x;\n}\n#line 6\nint g"),
            "{marked}"
        );
        assert_eq!(lines.numbered(&text, 5), [4]);
        assert_eq!((lines.origin(2), lines.origin(4)), (None, Some(2)));
        // Two lines have the number 6.
        assert_eq!(lines.numbered(&text, 6), [5, 7]);
        assert!(lines.numbered(&text, 99).is_empty());
        assert_eq!(lines.unchanged(&(4..=7)), Some(2..=5));
        assert_eq!(lines.unchanged(&(1..=4)), None);
    }

    #[test]
    fn a_comment_has_no_marks() {
        let before =
            "int f(void)\n{\n\ta;\n}\n/*\n}\n#if A\n*/\nint g;\n#endif /* that\n*/\nint h;\n";
        let patch = "--- a\n+++ b\n@@ -4,2 +4,3 @@\n }\n+int b;\n /*\n";
        assert!(!marked(before, patch).contains("#line"));
        let before = before.replace("/* that\n*/", "/* that */");
        assert!(marked(&before, patch).ends_with("/* that */\n#line 11\nint h;\n"));
    }
}
