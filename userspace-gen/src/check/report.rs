// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The report of a check: each thing that was checked, and its outcome.

use super::refusal::{By, Refusal};
use crate::target::Target;
use std::fmt;

/// The subject of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
    /// One relocation.
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
    /// It takes it.
    Accepted,
    /// It finds this symbol.
    Resolved {
        /// The address.
        address: u64,
        /// The full name.
        name: String,
        /// The source file, if the target tells.
        file: Option<String>,
    },
    /// It refuses the livepatch, or should: see [`Refusal::by`].
    Refused(Refusal),
    /// The files that were given do not tell.
    Unchecked(String),
}

/// When the kernel comes to something, if nothing before it was refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// `load_module()`.
    #[default]
    Load,
    /// `klp_enable_patch()`, before it looks at anything else: every object has functions.
    Objects,
    /// `klp_enable_patch()`, before it initializes an object.
    Enable,
    /// `klp_init_patch()`: one object after the other, by its place among them.
    Object(usize, Step),
    /// `__klp_enable_patch()`, when every object is initialized.
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

/// One thing that was checked.
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
    /// When the kernel comes to it.
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

    /// Why it is refused, or cannot be told.
    #[must_use]
    pub fn message(&self) -> Option<String> {
        match &self.outcome {
            Outcome::Refused(refusal) => Some(refusal.to_string()),
            Outcome::Unchecked(why) => Some(why.clone()),
            Outcome::Accepted | Outcome::Resolved { .. } => None,
        }
    }

    /// Who refuses it, if it is refused.
    #[must_use]
    pub fn by(&self) -> Option<By> {
        match &self.outcome {
            Outcome::Refused(refusal) => Some(refusal.by()),
            _ => None,
        }
    }

    /// Adds what its author may not have meant.
    pub(super) fn warn(&mut self, warning: impl Into<String>) {
        self.warnings.push(warning.into());
    }
}

/// Everything that was checked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The findings, in the order in which the kernel comes to them.
    pub findings: Vec<Finding>,
    /// True if a name is only found with `klp_sympos`.
    pub needs_klp_sympos: bool,
}

impl Report {
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
            stage: Stage::default(),
        });
        let last = self.findings.len() - 1;
        &mut self.findings[last]
    }

    /// Adds what is wrong if vmlinux is not the build that `notes` names: those of the running kernel.
    /// The verdict of that kernel is not known then.
    pub fn check_notes(&mut self, origin: &dyn fmt::Display, notes: &[u8], target: &Target<'_>) {
        if let Some(what) = target.parts_from_notes(notes) {
            let subject = origin.to_string();
            self.add(Kind::Target, "", subject, Outcome::Unchecked(what));
        }
    }

    /// Why the kernel refuses, in the order in which it would notice.
    pub fn refusals(&self) -> impl Iterator<Item = (&Finding, &Refusal)> {
        self.findings.iter().filter_map(|f| match &f.outcome {
            Outcome::Refused(refusal) => Some((f, refusal)),
            _ => None,
        })
    }

    /// Puts the findings into the order in which the kernel comes to them.
    pub(super) fn sort(&mut self) {
        self.findings.sort_by_key(|f| f.stage);
    }

    /// Says when the kernel comes to the findings from `start` on.
    pub(super) fn at(&mut self, stage: Stage, start: usize) {
        for finding in self.findings.iter_mut().skip(start) {
            finding.stage = stage;
        }
    }

    /// Returns the findings that the files do not decide.
    pub fn unchecked(&self) -> impl Iterator<Item = &Finding> {
        self.findings
            .iter()
            .filter(|f| matches!(f.outcome, Outcome::Unchecked(_)))
    }
}
