// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The report of a check: each thing that was checked, and its outcome.

use super::refusal::{By, Refusal};
use crate::target::Target;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::mem;

/// The subject of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Kind {
    /// A file of the target.
    Target,
    /// The module as a whole.
    Module,
    /// An ordinary undefined symbol.
    Import,
    /// A section of livepatch relocations.
    Section,
    /// A livepatch symbol.
    Symbol,
    /// A relocation.
    Relocation,
    /// A `klp_object`.
    Object,
    /// A `klp_func`.
    Function,
}

impl Kind {
    /// The kind in one word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Target => "target",
            Self::Module => "module",
            Self::Import => "import",
            Self::Section => "section",
            Self::Symbol => "symbol",
            Self::Relocation => "relocation",
            Self::Object => "object",
            Self::Function => "function",
        }
    }
}

/// The kernel's answer about one thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The kernel accepts the subject.
    Accepted,
    /// The kernel finds this symbol.
    Resolved {
        /// The address.
        address: u64,
        /// The full name.
        name: String,
        /// The source file, if the target tells.
        file: Option<String>,
    },
    /// The kernel or klp-gen refuses the livepatch: see [`Refusal::by`].
    Refused(Refusal),
    /// The given files do not contain the answer.
    Unchecked(String),
}

/// The time at which the kernel makes a finding, if it refused nothing before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// `load_module()`.
    #[default]
    Load,
    /// The init code before `klp_enable_patch()`, and the first check of `klp_enable_patch()`: every object has
    /// functions. In 7.3 that is `klp_check_patch()`, which also requires that every function has a name.
    Objects,
    /// The part of `klp_enable_patch()` before it initializes an object.
    Enable,
    /// `klp_init_patch()` for one object, by the index of the object.
    Object(usize, Step),
    /// `__klp_enable_patch()`, after every object was initialized.
    Patch,
}

/// A step of the livepatch core for one object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// `klp_init_object()` and `klp_init_func()`.
    Init,
    /// `klp_apply_object_relocs()`
    Relocate,
    /// `klp_find_object_symbol()`
    LookUp,
}

/// A subject that was checked, with its outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The kind of thing.
    pub kind: Kind,
    /// The object that it belongs to.
    pub object: String,
    /// The name that it has in the file.
    pub subject: String,
    /// The kernel's answer.
    pub outcome: Outcome,
    /// Suspicious input that the kernel accepts.
    pub warnings: Vec<String>,
    /// The time at which the kernel makes the finding.
    pub stage: Stage,
}

impl Finding {
    /// The outcome in one word.
    #[must_use]
    pub fn status(&self) -> &'static str {
        match &self.outcome {
            Outcome::Refused(_) => "refused",
            Outcome::Unchecked(_) => "unchecked",
            _ if self.warnings.is_empty() => "ok",
            _ => "warning",
        }
    }

    /// Returns the reason for which the subject is refused, or cannot be checked.
    #[must_use]
    pub fn message(&self) -> Option<String> {
        match &self.outcome {
            Outcome::Refused(refusal) => Some(refusal.to_string()),
            Outcome::Unchecked(why) => Some(why.clone()),
            Outcome::Accepted | Outcome::Resolved { .. } => None,
        }
    }

    /// Returns the party that refuses the subject, if it is refused.
    #[must_use]
    pub fn by(&self) -> Option<By> {
        match &self.outcome {
            Outcome::Refused(refusal) => Some(refusal.by()),
            _ => None,
        }
    }

    /// Adds a warning: input that the kernel accepts, and that the author may not have meant.
    pub(super) fn warn(&mut self, warning: impl Into<String>) {
        self.warnings.push(warning.into());
    }
}

/// Everything that was checked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The findings, in the order in which the kernel makes them.
    pub findings: Vec<Finding>,
    /// True if the kernel finds some name only with `klp_sympos`.
    pub needs_klp_sympos: bool,
    /// The stage of the checks that are under way, which new findings get.
    stage: Stage,
}

impl Report {
    /// Adds a finding of the stage that is under way.
    pub(super) fn add(
        &mut self,
        kind: Kind,
        object: impl Into<String>,
        subject: impl Into<String>,
        outcome: Outcome,
    ) -> &mut Finding {
        self.findings.push(Finding {
            kind,
            object: object.into(),
            subject: subject.into(),
            outcome,
            warnings: Vec::new(),
            stage: self.stage,
        });
        let last = self.findings.len() - 1;
        &mut self.findings[last]
    }

    /// Adds a finding if the build id in `notes`, the notes of the running kernel, is not that of vmlinux.
    /// The verdict of the running kernel is not known in that case.
    pub fn check_notes(&mut self, origin: &dyn fmt::Display, notes: &[u8], target: &Target<'_>) {
        if let Some(what) = target.parts_from_notes(notes) {
            let subject = origin.to_string();
            self.add(Kind::Target, "", subject, Outcome::Unchecked(what));
        }
    }

    /// Returns all refusals, in the order in which the kernel makes them.
    pub fn refusals(&self) -> impl Iterator<Item = (&Finding, &Refusal)> {
        self.findings.iter().filter_map(|f| match &f.outcome {
            Outcome::Refused(refusal) => Some((f, refusal)),
            _ => None,
        })
    }

    /// Sorts the findings into the order in which the kernel makes them.
    pub(super) fn sort(&mut self) {
        self.findings.sort_by_key(|f| f.stage);
    }

    /// Runs checks of a stage other than that under way: their findings get this stage.
    pub(super) fn during(&mut self, stage: Stage, checks: impl FnOnce(&mut Self)) {
        let outer = mem::replace(&mut self.stage, stage);
        checks(self);
        self.stage = outer;
    }

    /// Returns the findings that the given files do not decide.
    pub fn unchecked(&self) -> impl Iterator<Item = &Finding> {
        self.findings
            .iter()
            .filter(|f| matches!(f.outcome, Outcome::Unchecked(_)))
    }
}
