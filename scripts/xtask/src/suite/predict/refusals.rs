// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Holds `klp-gen check` to what the kernel will say, before any kernel boots.
//!
//! The same list is what the kernel is held to in the guest, so that both cannot drift apart.

use crate::host::{klp_gen, paths, run};
use crate::kernel::Kernel;
use crate::report::tally::Tally;
use crate::suite::livepatches::Livepatches;
use anyhow::{bail, Context, Result};
use std::fs;
use std::process::Command;

/// The livepatches and the texts.
const LIST: &str = "scripts/fixtures/livepatches/refusals.txt";
/// The place of the list in the guest.
pub const LIST_IN_GUEST: &str = "klp/refusals.txt";
/// In place of a text: the livepatch is not refused.
const TAKEN: &str = "-";

/// The list as a file of the host.
pub fn list() -> std::path::PathBuf {
    paths::repository().join(LIST)
}

/// One line of the list.
#[derive(Debug, PartialEq, Eq)]
struct ListedRefusal<'a> {
    module: &'a str,
    stock: &'a str,
    with_module: &'a str,
}

/// Checks every livepatch of the list under both rules.
///
/// # Errors
///
/// Fails if the list is malformed.
pub fn check(livepatches: &Livepatches, kernel: &Kernel, tally: &mut Tally) -> Result<()> {
    let path = list();
    let text =
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    for refusal in parse(&text)? {
        let name = refusal.module;
        for (policy, expected) in [("exact", refusal.stock), ("llvm", refusal.with_module)] {
            let Some(module) = livepatches.get(name) else {
                tally.fail(
                    format!("klp-gen check: {name}"),
                    "it was not built".to_owned(),
                );
                continue;
            };
            let mut check = klp_gen::command();
            check
                .args(["check", "--policy", policy, "--vmlinux"])
                .arg(kernel.build.join("vmlinux"))
                .arg(module);
            match wrong(&mut check, expected)? {
                None => tally.pass(),
                Some(reason) => {
                    tally.fail(format!("klp-gen check --policy {policy}: {name}"), reason);
                }
            }
        }
    }
    Ok(())
}

/// Returns the fault in the answer of a check, if there is one.
fn wrong(check: &mut Command, expected: &str) -> Result<Option<String>> {
    run::announce(check);
    let output = check.output().context("cannot run klp-gen")?;
    let said = String::from_utf8_lossy(&output.stdout);
    let reason = match (output.status.code(), expected) {
        (Some(0), TAKEN) => return Ok(None),
        (Some(1), text) if text != TAKEN && said.contains(text) => return Ok(None),
        (code, TAKEN) => format!("exit status {code:?} instead of 0"),
        (code, text) => format!("exit status {code:?}, expected were 1 and `{text}`"),
    };
    let complained = String::from_utf8_lossy(&output.stderr);
    Ok(Some(format!("{reason}; it said:\n{said}{complained}")))
}

fn parse(text: &str) -> Result<Vec<ListedRefusal<'_>>> {
    let mut refusals = Vec::new();
    for line in text.lines() {
        if line.starts_with('#') || line.is_empty() {
            continue;
        }
        let fields: Vec<_> = line.split('\t').collect();
        let [module, stock, with_module] = fields[..] else {
            bail!(
                "{LIST}: a line has {} fields instead of 3: {line}",
                fields.len()
            );
        };
        refusals.push(ListedRefusal {
            module,
            stock,
            with_module,
        });
    }
    Ok(refusals)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_list_has_three_fields() {
        let refusals = parse("# comment\nm\tsymbol not found\t-\n").unwrap();
        let expected = ListedRefusal {
            module: "m",
            stock: "symbol not found",
            with_module: TAKEN,
        };
        assert_eq!(refusals, [expected]);
        assert!(parse("m\tonly two\n").is_err());
    }

    #[test]
    fn an_answer_is_held_to_its_text() {
        let answer = |status: u8, text: &str| {
            let mut shell = Command::new("sh");
            shell.args(["-c", &format!("echo '{text}'; exit {status}")]);
            shell
        };
        let wrong = |status, text, expected| wrong(&mut answer(status, text), expected).unwrap();
        assert_eq!(wrong(1, "x: not found", "not found"), None);
        assert_eq!(wrong(0, "ok", TAKEN), None);
        assert!(wrong(1, "ambiguous", "not found").is_some());
        assert!(wrong(0, "not found", "not found").is_some());
        assert!(wrong(1, "not found", TAKEN).is_some());
        assert!(wrong(2, "not found", "not found").is_some());
    }
}
