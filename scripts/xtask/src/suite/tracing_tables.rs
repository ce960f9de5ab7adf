// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The tables of docs/tracing.md that are measured.
//!
//! A table stands between `<!-- NAME: begin -->` and `<!-- NAME: end -->`, in the document and in what the guest
//! prints. Other text between these marks is nobody's but the document's.

use anyhow::{ensure, Context, Result};

/// A table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TracingTable {
    /// A row for each client.
    Clients,
    /// Each promoted function through fentry.
    Fentry,
}

impl TracingTable {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Clients, Self::Fentry];

    const fn name(self) -> &'static str {
        match self {
            Self::Clients => "clients",
            Self::Fentry => "fentry",
        }
    }

    /// Returns the rows in `text`, each with its end of line.
    ///
    /// # Errors
    ///
    /// Fails if the text does not have the block, or has no row in it.
    pub fn rows(self, text: &str) -> Result<String> {
        let (_, inside, _) = self.split(text)?;
        let rows: String = inside
            .split_inclusive('\n')
            .filter(|line| is_row(line))
            .collect();
        ensure!(!rows.is_empty(), "the block `{}` has no table", self.name());
        Ok(rows)
    }

    /// Returns `text` with other rows, which stand where the first one was.
    ///
    /// # Errors
    ///
    /// Fails if the text does not have the block.
    pub fn replace(self, text: &str, rows: &str) -> Result<String> {
        let (before, inside, after) = self.split(text)?;
        let lines: Vec<_> = inside.split_inclusive('\n').collect();
        let first = lines.iter().position(|line| is_row(line));
        let (above, below) = lines.split_at(first.unwrap_or(lines.len()));
        let below = below.iter().filter(|line| !is_row(line));
        let inside = above.iter().copied().chain([rows]).chain(below.copied());
        Ok(format!("{before}{}{after}", inside.collect::<String>()))
    }

    fn split(self, text: &str) -> Result<(&str, &str, &str)> {
        let name = self.name();
        let split = || {
            let begin = format!("<!-- {name}: begin -->\n");
            let start = text.find(&begin)? + begin.len();
            let length = text[start..].find(&format!("<!-- {name}: end -->"))?;
            let (before, rest) = text.split_at(start);
            let (inside, after) = rest.split_at(length);
            Some((before, inside, after))
        };
        split().with_context(|| format!("there is no block `{name}`"))
    }
}

fn is_row(line: &str) -> bool {
    line.starts_with('|')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::paths;
    use std::fs;

    const TEXT: &str = "a\n<!-- fentry: begin -->\nb\n| 1 |\n| 2 |\nc\n<!-- fentry: end -->\nd\n";

    #[test]
    fn only_the_rows_of_a_block_are_replaced() {
        assert_eq!(TracingTable::Fentry.rows(TEXT).unwrap(), "| 1 |\n| 2 |\n");
        let other = TracingTable::Fentry.replace(TEXT, "| 3 |\n").unwrap();
        assert_eq!(other, TEXT.replace("| 1 |\n| 2 |", "| 3 |"));
        let same = TracingTable::Fentry
            .replace(&other, "| 1 |\n| 2 |\n")
            .unwrap();
        assert_eq!(same, TEXT);
    }

    #[test]
    fn a_block_that_is_missing_or_empty_is_an_error() {
        assert!(TracingTable::Clients.rows(TEXT).is_err());
        assert!(TracingTable::Clients.replace(TEXT, "").is_err());
        assert!(TracingTable::Fentry.rows(&TEXT.replace('|', "")).is_err());
    }

    #[test]
    fn the_document_has_a_row_for_each_client() {
        let document = fs::read_to_string(crate::suite::clients::document()).unwrap();
        let rows = TracingTable::Clients.rows(&document).unwrap();
        let documented: Vec<_> = rows
            .lines()
            .skip(2)
            .map(|row| row.split(" | ").next().unwrap().trim_start_matches("| "))
            .collect();
        let scripts = paths::repository().join("scripts/guest/clients");
        let mut asked = Vec::new();
        for file in crate::suite::clients::SCRIPTS {
            let script = fs::read_to_string(scripts.join(file).with_extension("sh")).unwrap();
            let titles = script.lines().filter(|line| line.starts_with("client "));
            asked.extend(titles.map(|line| {
                let title = line.split_once('\'').unwrap().1;
                title.strip_suffix('\'').unwrap().replace(r"'\''", "'")
            }));
        }
        assert_eq!(documented, asked);
    }
}
