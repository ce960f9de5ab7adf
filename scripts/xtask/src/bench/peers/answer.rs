// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The answer of a tool to one patch.

use crate::host::build_outcome::{BuildOutcome, Change};
use crate::host::run::Usage;
use klp_policy::cleanup_symbol_name;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The answer of a tool to one patch.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Answer {
    pub usage: Usage,
    /// The functions of the kernel that the livepatch replaces, by their names in the source.
    pub functions: BTreeSet<String>,
    /// The reason for which there is no livepatch.
    pub refusal: Option<String>,
    /// The words of `klp-gen check` about the livepatch: none if it is good.
    #[serde(skip)]
    pub check: Option<String>,
    /// The end of the livepatch in the guest, if it was loaded there.
    #[serde(skip)]
    pub end: Option<End>,
}

/// The end of a livepatch in the guest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    Works,
    Fails(String),
}

impl Answer {
    pub fn is_built(&self) -> bool {
        self.refusal.is_none()
    }

    /// Reads what klp-build printed.
    pub fn of_klp_build(is_built: bool, usage: Usage, said: &str) -> Self {
        let changed = said.lines().filter_map(|line| {
            let (_, name) = line.split_once(".o: changed function: ")?;
            Some(cleaned(name.trim()))
        });
        Self {
            usage,
            functions: changed.collect(),
            refusal: (!is_built).then(|| reason(said)),
            ..Self::default()
        }
    }

    /// Takes the outcome of `klp-gen build`.
    pub fn of_klp_gen(usage: Usage, outcome: &BuildOutcome) -> Self {
        let refusal = outcome.refusals.first().map(|first| {
            let more = match outcome.refusals.len() - 1 {
                0 => String::new(),
                count => format!(", and {count} more"),
            };
            format!("{}: {}{more}", first.subject, first.reason)
        });
        Self {
            usage,
            functions: outcome.names(Change::Changed).map(cleaned).collect(),
            refusal,
            ..Self::default()
        }
    }
}

/// Returns the name in the source of a function that may be promoted.
fn cleaned(name: &str) -> String {
    let bytes: Vec<_> = cleanup_symbol_name(name.as_bytes()).bytes().collect();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Returns the first line that tells of an error, or else the last line.
fn reason(said: &str) -> String {
    let mut lines = said.lines().filter(|line| !line.trim().is_empty());
    let error = lines.clone().find(|line| line.contains("error"));
    let line = error.or_else(|| lines.next_back());
    line.unwrap_or("it said nothing").trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_klp_gen(outcome: &str) -> Answer {
        Answer::of_klp_gen(Usage::default(), &serde_json::from_str(outcome).unwrap())
    }

    #[test]
    fn the_functions_are_read() {
        let said = "Diffing objects\n\
            vmlinux.o: changed function: uptime_proc_show\n\
            vmlinux.o: changed function: tty_ldiscs_seq_show.llvm.123\n\
            vmlinux.o: new function: livepatch_show\n\
            SUCCESS\n";
        let answer = Answer::of_klp_build(true, Usage::default(), said);
        assert!(answer.is_built());
        let names: Vec<_> = answer.functions.into_iter().collect();
        assert_eq!(names, ["tty_ldiscs_seq_show", "uptime_proc_show"]);

        let outcome = r#"{"functions": [{"object": "vmlinux", "name": "a.llvm.1", "change": "changed"},
            {"object": "vmlinux", "name": "b", "change": "new"}], "refusals": []}"#;
        let answer = of_klp_gen(outcome);
        let names: Vec<_> = answer.functions.into_iter().collect();
        assert_eq!(names, ["a"]);
    }

    #[test]
    fn a_refusal_has_a_reason() {
        let refused = |said| Answer::of_klp_build(false, Usage::default(), said).refusal;
        let said = "Diffing objects\nvmlinux.o: error: objtool: no\nerror: klp-build: failed\n";
        let reason = refused(said).unwrap();
        assert_eq!(reason, "vmlinux.o: error: objtool: no");
        assert_eq!(refused("went wrong\n\n").unwrap(), "went wrong");
        assert_eq!(refused("").unwrap(), "it said nothing");

        let outcome = r#"{"functions": [], "refusals": [{"kind": "data", "subject": "a", "reason": "changes"}]}"#;
        assert_eq!(of_klp_gen(outcome).refusal.unwrap(), "a: changes");
    }
}
