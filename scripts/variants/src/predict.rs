// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Predictions by `klp-gen check`.

use crate::list::{Finding, Prediction, Rule, Status, Subject, Verdict};
use klp_gen::check::{self, By, Kind, Outcome, Refusal, Report, Stage};
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

/// Checks a livepatch that is loaded before the module that is among the targets of `both`, and not of
/// `alone`.
///
/// The loader may need something of that module while it loads the livepatch, and does not find it then: klp-gen
/// is not told the order, and only warns.
#[must_use]
pub fn predict_before(
    origin: &str,
    bytes: &[u8],
    alone: &Target<'_>,
    both: &Target<'_>,
    rule: Rule,
) -> Prediction {
    let mut prediction = predict(origin, bytes, both, rule);
    let before = check::check_file(origin.to_owned(), bytes, alone, rule.policy(), &[]);
    let needs = before.into_iter().flat_map(|report| report.findings);
    let mut needs = needs.filter(|f| {
        let is_symbol = f.kind == Kind::Symbol && f.stage == Stage::Load;
        is_symbol && matches!(f.outcome, Outcome::Unchecked(_))
    });
    prediction
        .findings
        .extend(needs.next().as_ref().map(finding));
    prediction
}

/// The kernel stops at the first thing that it refuses.
fn verdict(report: &Report) -> Verdict {
    let mut refusals = report.refusals().map(|(_, refusal)| refusal);
    if let Some(refusal) = refusals.find(|refusal| refusal.by() == By::Kernel) {
        return match refusal {
            Refusal::Silent { error, .. } => Verdict::RefusedSilently(error.number()),
            refusal => Verdict::Refused(refusal.to_string()),
        };
    }
    let why = report.unchecked().find_map(check::Finding::message);
    why.map_or(Verdict::Taken, Verdict::Unknown)
}

fn finding(finding: &check::Finding) -> Finding {
    let (name, address) = match &finding.outcome {
        Outcome::Resolved { name, address, .. } => (Some(name.clone()), Some(*address)),
        _ => (None, None),
    };
    Finding {
        about: Subject {
            kind: finding.kind,
            object: finding.object.clone(),
            name: finding.subject.clone(),
        },
        status: match &finding.outcome {
            Outcome::Accepted | Outcome::Resolved { .. } => Status::Ok,
            Outcome::Refused(_) => Status::Refused,
            Outcome::Unchecked(_) => Status::Unchecked,
        },
        by_klp_gen: finding.by() == Some(By::KlpGen),
        message: finding.message(),
        name,
        address: address.filter(|_| finding.object == "vmlinux"),
    }
}
