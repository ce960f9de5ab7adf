// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The blocks of code in a document.

/// The guide. A block of code whose fence has a file name is that file.
pub const GUIDE: &str = "docs/livepatch-authors.md";

/// A block whose fence has more than a language: ```` ```c name.c replaces function ````.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Block<'t> {
    /// A whole file: `NAME`.
    File(&'t str, &'t str),
    /// A file without the tables of the livepatch: `NAME replaces FUNCTION`.
    Replacement {
        /// The file.
        name: &'t str,
        /// The function of vmlinux that `livepatch_<function>` replaces.
        function: &'t str,
        /// The code that the file has beside the tables.
        code: &'t str,
    },
    /// A part of a file of the repository: `from PATH`.
    Quote(&'t str, &'t str),
}

/// Returns the blocks of a document that are files, or from files.
pub fn blocks(text: &str) -> Vec<Block<'_>> {
    let mut blocks = Vec::new();
    let mut rest = text;
    while let Some((fence, inside)) = next_fence(rest) {
        let end = inside.find("\n```").map_or(inside.len(), |at| at + 1);
        let (code, after) = inside.split_at(end);
        rest = after.strip_prefix("```").unwrap_or(after);
        let words: Vec<_> = fence.split(' ').collect();
        match words[..] {
            [_, "from", path] => blocks.push(Block::Quote(path, code)),
            [_, name, "replaces", function] => blocks.push(Block::Replacement {
                name,
                function,
                code,
            }),
            [_, name] => blocks.push(Block::File(name, code)),
            _ => {}
        }
    }
    blocks
}

/// The words behind the next opening fence, and what follows its line.
fn next_fence(text: &str) -> Option<(&str, &str)> {
    let start = if text.starts_with("```") {
        3
    } else {
        text.find("\n```")? + 4
    };
    text[start..].split_once('\n')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_blocks_with_more_than_a_language_count() {
        let text =
            "text\n```c a.c\nint a;\n```\n```c\nint b;\n```\n\n```make Makefile\nx:\n\ty\n```\n\
                    ```c d/c.c replaces f\nint c;\n```\n```c from d/e.c\nint e;\n```\n";
        let expected = [
            Block::File("a.c", "int a;\n"),
            Block::File("Makefile", "x:\n\ty\n"),
            Block::Replacement {
                name: "d/c.c",
                function: "f",
                code: "int c;\n",
            },
            Block::Quote("d/e.c", "int e;\n"),
        ];
        assert_eq!(blocks(text), expected);
    }
}
