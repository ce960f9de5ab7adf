// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Reads what `klp-gen collisions` prints, and compares it.

use crate::host::run;
use crate::report::tally::Tally;
use anyhow::{Context, Result};
use std::process::Command;

/// Counts a comparison.
pub fn expect(tally: &mut Tally, what: &str, found: &[String], expected: &[&str]) {
    if found == expected {
        tally.pass();
    } else {
        let reason = format!("expected {expected:?}, found {found:?}");
        tally.fail(what.to_owned(), reason);
    }
}

/// Returns names, kinds and effects of a JSON answer, whatever the exit status.
pub fn answers(command: &mut Command) -> Result<Vec<String>> {
    let line = run::shell_line(command);
    let output = command
        .output()
        .with_context(|| format!("cannot run `{line}`"))?;
    let stderr = String::from_utf8_lossy(&output.stderr);
    let rows: Vec<serde_json::Value> = serde_json::from_slice(&output.stdout)
        .with_context(|| format!("`{line}` printed no JSON: {}", stderr.trim()))?;
    let word = |row: &serde_json::Value, field| row[field].as_str().unwrap_or("?").to_owned();
    let words = |row| {
        let [name, kind, effect] = ["name", "kind", "effect"].map(|field| word(row, field));
        format!("{name} {kind} {effect}")
    };
    Ok(rows.iter().map(words).collect())
}
