// SPDX-License-Identifier: GPL-2.0 OR MIT

//! What `klp-gen check` says that a kernel will do.

use crate::list::{Finding, Prediction, Rule, Verdict};
use klp_gen::check::{self, By, Outcome, Refusal, Report};
use klp_gen::target::Target;

/// Checks a livepatch under a rule.
#[must_use]
pub fn predict(origin: &str, bytes: &[u8], target: &Target<'_>, rule: Rule) -> Prediction {
    match check::check_file(origin.to_owned(), bytes, target, rule.policy(), &[]) {
        Ok(report) => Prediction {
            verdict: verdict(&report),
            findings: report.findings.iter().map(finding).collect(),
        },
        Err(error) => Prediction {
            verdict: Verdict::NoModule(format!("{error:#}")),
            findings: Vec::new(),
        },
    }
}

/// The kernel stops at the first thing that it refuses.
fn verdict(report: &Report) -> Verdict {
    let mut refusals = report.refusals().map(|(_, refusal)| refusal);
    if let Some(refusal) = refusals.find(|refusal| refusal.by() == By::Kernel) {
        return match refusal {
            Refusal::Silent(_) => Verdict::RefusedSilently,
            refusal => Verdict::Refused(refusal.to_string()),
        };
    }
    let why = report.unchecked().find_map(check::Finding::message);
    why.map_or(Verdict::Taken, Verdict::Unknown)
}

fn finding(finding: &check::Finding) -> Finding {
    let kind = finding.kind.as_str().to_owned();
    let (name, address) = match &finding.outcome {
        Outcome::Resolved { name, address, .. } => (Some(name.clone()), Some(*address)),
        _ => (None, None),
    };
    Finding {
        about: [kind, finding.object.clone(), finding.subject.clone()],
        status: match &finding.outcome {
            Outcome::Accepted | Outcome::Resolved { .. } => "ok",
            Outcome::Refused(_) => "refused",
            Outcome::Unchecked(_) => "unchecked",
        }
        .to_owned(),
        by_klp_gen: finding.by() == Some(By::KlpGen),
        message: finding.message(),
        name,
        address: address.filter(|_| finding.object == "vmlinux"),
    }
}
