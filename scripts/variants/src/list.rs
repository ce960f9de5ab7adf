// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The list from the host to the guest: which livepatches there are, and what the kernel will say to each.

use crate::cases::Order;
use klp_gen::check::Kind;
use klp_policy::Policy;
use serde::{Deserialize, Serialize};

/// The file with the list, in the directory with the livepatches.
pub const FILE: &str = "list.json";

/// The word that the guest writes into the kernel's log before it loads a livepatch, in front of its name.
pub const MARK: &str = "variant ";

/// Under which rule a kernel looks names up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// Without the module.
    Stock,
    /// With it.
    KlpSympos,
}

impl Rule {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Stock, Self::KlpSympos];

    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stock => "stock",
            Self::KlpSympos => "klp_sympos",
        }
    }

    /// Returns the name of the rule for `klp-gen check`.
    #[must_use]
    pub const fn policy(self) -> Policy {
        match self {
            Self::Stock => Policy::Exact,
            Self::KlpSympos => Policy::Llvm,
        }
    }
}

/// A livepatch of the list.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Listed {
    /// The name of the variant, and of its file without `.ko`.
    pub name: String,
    /// The name of the module in the kernel.
    pub module: String,
    /// When `klp_twins` is loaded.
    pub order: Order,
    /// The addend to the address that the parameter `where` shows, if it shows one.
    pub addend: Option<i64>,
    /// The prediction for the stock kernel.
    pub stock: Prediction,
    /// The prediction for the kernel with `klp_sympos`.
    pub klp_sympos: Prediction,
}

impl Listed {
    /// Returns the predicted value of the parameter `where`.
    #[must_use]
    pub fn shown(&self, rule: Rule) -> Option<u64> {
        let findings = &self.prediction(rule).findings;
        let symbol = findings.iter().find(|f| f.about.kind == Kind::Symbol)?;
        Some(symbol.address?.wrapping_add_signed(self.addend?))
    }

    /// Returns the prediction under a rule.
    #[must_use]
    pub const fn prediction(&self, rule: Rule) -> &Prediction {
        match rule {
            Rule::Stock => &self.stock,
            Rule::KlpSympos => &self.klp_sympos,
        }
    }
}

/// A prediction by `klp-gen check` for one kernel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prediction {
    /// The kernel's verdict.
    pub verdict: Verdict,
    /// The findings behind the verdict, for a comparison of two targets.
    pub findings: Vec<Finding>,
}

impl Prediction {
    /// Returns true if klp-gen refuses something that the kernel takes, to its harm.
    #[must_use]
    pub fn harmful(&self) -> bool {
        self.findings.iter().any(|finding| finding.by_klp_gen)
    }

    /// Returns true if the files do not tell everything.
    #[must_use]
    pub fn unknown(&self) -> bool {
        self.findings
            .iter()
            .any(|finding| finding.status == Status::Unchecked)
    }
}

/// A kernel's verdict on a livepatch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It takes it.
    Taken,
    /// It refuses it, and logs this.
    Refused(String),
    /// It refuses it with this error number, and logs nothing.
    RefusedSilently(i32),
    /// It is no file that a kernel would load.
    NoModule(String),
    /// The files do not tell.
    Unknown(String),
}

impl Verdict {
    /// Returns true if the kernel takes the livepatch; none if that is not known.
    #[must_use]
    pub const fn taken(&self) -> Option<bool> {
        match self {
            Self::Taken => Some(true),
            Self::Refused(_) | Self::RefusedSilently(_) | Self::NoModule(_) => Some(false),
            Self::Unknown(_) => None,
        }
    }
}

/// The subject of a finding.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Subject {
    /// The kind of thing.
    pub kind: Kind,
    /// The object that it belongs to.
    pub object: String,
    /// The name that it has in the file.
    pub name: String,
}

/// The outcome of a finding; a warning does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// The kernel accepts the subject.
    Ok,
    /// The kernel or klp-gen refuses the subject.
    Refused,
    /// The given files do not contain the answer.
    Unchecked,
}

/// One finding of `klp-gen check`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The subject.
    pub about: Subject,
    /// The outcome.
    pub status: Status,
    /// True if klp-gen refuses it, and the kernel does not.
    pub by_klp_gen: bool,
    /// The message.
    pub message: Option<String>,
    /// The full name of the symbol that it resolves to.
    pub name: Option<String>,
    /// Its address, if it is vmlinux's: a module has none before it is loaded.
    pub address: Option<u64>,
}
