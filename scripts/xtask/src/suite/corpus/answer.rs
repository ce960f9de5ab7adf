// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The answer of `klp-gen build` to one patch.

use crate::host::build_outcome::{BuildOutcome, Change};
use crate::host::run;
use crate::kernel::Kernel;
use anyhow::{bail, Context, Result};
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;
use wait4::Wait4;

/// One patch, and what came of it.
pub struct Built {
    /// The C file that the patch changes, below the source tree.
    pub file: String,
    /// The livepatch, if the answer is that there is one.
    pub livepatch: PathBuf,
    /// The answer of `klp-gen build`.
    pub answer: Answer,
    /// The processor time of klp-gen and of the programs that it ran.
    pub time: Duration,
    /// The most memory that one of these processes had, in bytes.
    pub peak: u64,
}

/// The answer to one patch.
pub enum Answer {
    /// There is a livepatch.
    Built {
        /// The names of the functions that the livepatch replaces.
        functions: Vec<String>,
        /// The names of the functions that it adds.
        new: Vec<String>,
        /// The modules that the livepatch changes.
        modules: Vec<String>,
    },
    /// There can be none.
    Refused {
        /// The kinds of the reasons, as docs/schema/build.json calls them, each once.
        kinds: Vec<String>,
        /// The first reason in words.
        reason: String,
    },
}

/// The kinds of answers, as they are counted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AnswerKind {
    /// There is a livepatch.
    Built,
    /// There can be none, by a rule that leaves no choice: the patch changes data, init code or exports.
    Excluded(String),
    /// There is none.
    Refused(String),
    /// The older file does not compile beside newer headers, or compiles to the same code. That is not counted.
    Unusable(String),
}

impl Answer {
    /// Returns the kind under which the answer counts.
    pub fn kind(&self) -> AnswerKind {
        let Self::Refused { kinds, .. } = self else {
            return AnswerKind::Built;
        };
        let first = |wanted: &[&str]| {
            let found = kinds.iter().find(|kind| wanted.contains(&kind.as_str()));
            found.cloned()
        };
        if let Some(kind) = first(&["does-not-compile", "no-change"]) {
            return AnswerKind::Unusable(kind);
        }
        match first(&["data", "init", "export"]) {
            Some(kind) => AnswerKind::Excluded(kind),
            None => AnswerKind::Refused(kinds.join(", ")),
        }
    }
}

/// Asks `klp-gen build` for a livepatch.
pub fn ask(
    klp_gen: &Path,
    kernel: &Kernel,
    cache: &Path,
    file: &str,
    patch: &Path,
    livepatch: PathBuf,
) -> Result<Built> {
    let (said, json) = (
        livepatch.with_extension("log"),
        livepatch.with_extension("json"),
    );
    let create = |path: &Path| {
        File::create(path).with_context(|| format!("cannot write {}", path.display()))
    };
    let mut command = Command::new(klp_gen);
    command
        .args(["build", "--format", "json", "--kernel"])
        .arg(&kernel.build)
        .arg("--output")
        .arg(&livepatch)
        .arg(patch)
        .env("XDG_CACHE_HOME", cache)
        .stdin(Stdio::null())
        .stdout(create(&json)?)
        .stderr(create(&said)?);
    let mut child = command.spawn().context("cannot run klp-gen")?;
    let used = child.wait4()?;
    let text = fs::read_to_string(&json)?;
    if !matches!(used.status.code(), Some(0 | 1)) {
        bail!(
            "`{}` ended with {}: {}",
            run::shell_line(&command),
            used.status,
            fs::read_to_string(&said)?
        );
    }
    Ok(Built {
        file: file.to_owned(),
        answer: read(&text).with_context(|| format!("{} is not as documented", json.display()))?,
        livepatch,
        time: used.rusage.utime + used.rusage.stime,
        peak: used.rusage.maxrss,
    })
}

/// Reads what klp-gen printed.
fn read(text: &str) -> Result<Answer> {
    let outcome: BuildOutcome = serde_json::from_str(text)?;
    if let Some(first) = outcome.refusals.first() {
        let reason = format!("{}: {}", first.subject, first.reason);
        let kinds = outcome.refusals.iter();
        let kinds: BTreeSet<_> = kinds.map(|refusal| refusal.kind.clone()).collect();
        let kinds = kinds.into_iter().collect();
        return Ok(Answer::Refused { kinds, reason });
    }
    let names = |change| outcome.names(change).map(str::to_owned).collect();
    let objects = outcome.functions.iter().map(|function| &function.object);
    let modules: BTreeSet<_> = objects.filter(|object| *object != "vmlinux").collect();
    Ok(Answer::Built {
        functions: names(Change::Changed),
        new: names(Change::New),
        modules: modules.into_iter().cloned().collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(kinds: &str) -> AnswerKind {
        let refusals = kinds.split(' ').map(
            |kind| serde_json::json!({ "kind": kind, "subject": "foo", "reason": "cannot be" }),
        );
        let refusals: Vec<_> = refusals.collect();
        let outcome = serde_json::json!({ "functions": [], "data": [], "refusals": refusals });
        read(&outcome.to_string()).unwrap().kind()
    }

    #[test]
    fn answers_count_under_what_leaves_no_choice() {
        assert_eq!(refused("init"), AnswerKind::Excluded("init".into()));
        assert_eq!(
            refused("untraceable data"),
            AnswerKind::Excluded("data".into())
        );
        assert_eq!(
            refused("untraceable pairing untraceable"),
            AnswerKind::Refused("pairing, untraceable".into())
        );
        assert_eq!(
            refused("does-not-compile"),
            AnswerKind::Unusable("does-not-compile".into())
        );
    }

    #[test]
    fn a_livepatch_has_functions_and_modules() {
        let row = |object, name, change| serde_json::json!({ "object": object, "name": name, "change": change });
        let functions = [
            row("vmlinux", "foo", "changed"),
            row("vlan", "bar", "changed"),
            row("vlan", "baz", "new"),
        ];
        let outcome = serde_json::json!({ "functions": functions, "data": [], "refusals": [] });
        let Answer::Built {
            functions,
            new,
            modules,
        } = read(&outcome.to_string()).unwrap()
        else {
            panic!("it is refused");
        };
        assert_eq!(functions, ["foo", "bar"]);
        assert_eq!(new, ["baz"]);
        assert_eq!(modules, ["vlan"]);
    }
}
