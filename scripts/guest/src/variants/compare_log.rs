// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Compares what the kernel did and logged with what was predicted.

use klp_variants::{
    Listed,
    Rule,
    Verdict, //
};
use rustix::io::Errno;

use super::load::Attempt;

/// Who refuses livepatches, as the log says it.
const REFUSERS: [&str; 2] = ["livepatch: ", "klp_sympos: "];

/// The prefixes of refusals by others: arch/x86/kernel/module.c, lib/kobject.c.
const OTHERS: [&str; 2] = ["module: ", "kobject: "];

/// The texts in lines that are no refusals: events, and consequences of a refusal that is logged already.
const EVENTS: [&str; 7] = [
    "enabling patch '",
    "applying patch '",
    "'",
    "failed to ",
    "patch '",
    // Follows on a name that is not found because of its hash.
    "the livepatch is of another build",
    // The candidates of an ambiguous name: one line with their number, one for each.
    "  ",
];

/// Returns the difference between the prediction and an attempt, if there is one.
pub fn wrong(listed: &Listed, rule: Rule, attempt: &Attempt) -> Option<String> {
    let prediction = listed.prediction(rule);
    let refusals = refusals(&attempt.log);
    let said = match &prediction.verdict {
        Verdict::Taken | Verdict::NoModule(_) => refusals.is_empty(),
        Verdict::RefusedSilently(error) => {
            let error = Errno::from_raw_os_error(*error);
            refusals.is_empty() && attempt.result == Err(error)
        }
        Verdict::Refused(text) => {
            let first = refusals.first().is_none_or(|line| is(line, text));
            first && attempt.log.iter().any(|line| says(line, text))
        }
        Verdict::Unknown(_) => false,
    };
    let shown = listed.shown(rule).filter(|_| attempt.result.is_ok());
    let right = shown.is_none_or(|address| attempt.shown == Some(address));
    if said && right && prediction.verdict.taken() == Some(attempt.result.is_ok()) {
        return None;
    }
    Some(format!(
        "predicted: {:?}, address {shown:x?}\nthe kernel: {:?}, address {:x?}, and logged:\n{}",
        prediction.verdict,
        attempt.result,
        attempt.shown,
        attempt.log.join("\n")
    ))
}

/// Returns true if the kernel reports a fault of its own.
pub fn complains(log: &[String]) -> bool {
    const COMPLAINTS: [&str; 5] = [
        "WARNING: ",
        "BUG: ",
        "Oops: ",
        "kernel BUG at",
        "------------[ cut",
    ];
    let complains = |line: &String| COMPLAINTS.iter().any(|complaint| line.contains(complaint));
    log.iter().any(complains)
}

/// The lines by which a livepatch is refused, without who says it.
fn refusals(log: &[String]) -> Vec<&str> {
    log.iter()
        .filter_map(|line| REFUSERS.iter().find_map(|who| line.strip_prefix(who)))
        .filter(|text| !EVENTS.iter().any(|event| text.starts_with(event)))
        .collect()
}

/// Returns true if a line of the log is the predicted text, with or without the prefix of who logs it.
fn says(line: &str, text: &str) -> bool {
    // One is told by its address as well.
    let object = line
        .strip_prefix("kobject: (")
        .and_then(|line| line.split_once("): "));
    let mut who = REFUSERS.iter().chain(&OTHERS);
    let without = who.find_map(|who| line.strip_prefix(who));
    let without = object.map(|(_, line)| line).or(without);
    is(line, text) || without.is_some_and(|line| is(line, text))
}

/// Returns true if a line is the text, or the text and a part that nobody can predict: `, loc 000000003c2d80a1`,
/// or the value of an overflow.
fn is(line: &str, text: &str) -> bool {
    let end = if text.ends_with(" val") { " " } else { ", " };
    let rest = line.strip_prefix(text);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(lines: &[&str]) -> Vec<String> {
        lines.iter().map(|&line| line.to_owned()).collect()
    }

    #[test]
    fn events_are_no_refusals() {
        let log = log(&[
            "livepatch: enabling patch 'x'",
            "livepatch: 'x': starting patching transition",
            "x: Unknown symbol f (err -2)",
            "livepatch: symbol 'f' not found in symbol table",
            "livepatch: patch 'x' failed for module 'm', refusing to load module 'm'",
        ]);
        assert_eq!(refusals(&log), ["symbol 'f' not found in symbol table"]);
    }

    #[test]
    fn a_line_says_a_text_only_as_a_whole() {
        let line = "livepatch: symbol 'f' not found in symbol table";
        assert!(says(line, "symbol 'f' not found in symbol table"));
        assert!(!says(line, "symbol 'f' not found"));
        assert!(!says(line, "'f' not found in symbol table"));
        assert!(says(
            "x86/modules: nonzero for type 1, loc 1",
            "x86/modules: nonzero for type 1"
        ));
    }
}
