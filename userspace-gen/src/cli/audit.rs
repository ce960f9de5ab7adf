// SPDX-License-Identifier: GPL-2.0 OR MIT

//! `klp-gen audit`

use super::options::rule;
use super::ui::json::Address;
use super::ui::{Console, Look, Page, Verdict};
use anyhow::Result;
use clap::ValueEnum;
use klp_gen::audit::{html, Audit, KernelChanges, Repeat, SuffixKind};
use klp_gen::elf::ElfInput;
use klp_policy::Policy;
use serde::Serialize;
use std::fmt::Write as _;
use std::io;
use std::path::PathBuf;

/// The number of names of each kind in a table; JSON and HTML have all names.
const SHOWN: usize = 10;

/// List the suffixes in a kernel, or compare two kernels
///
/// The list includes the names that are ambiguous under each rule. The symbols are those that
/// /proc/kallsyms of the kernel will list.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  # the promoted symbols, and the ambiguous names under each rule
  $ klp-gen audit --vmlinux vmlinux
  # the same for two kernels, as a page for a browser
  $ klp-gen audit --vmlinux vmlinux --vmlinux reduced/vmlinux --format html > audit.html

Exit status: 0 done, 2 could not run.")]
pub struct Args {
    /// The vmlinux of a kernel's build, with its symbol table; a second vmlinux is compared with the first
    #[arg(long, value_name = "FILE", required = true)]
    vmlinux: Vec<PathBuf>,

    /// The output format
    #[arg(long, value_enum, default_value_t, help_heading = "Output")]
    format: AuditFormat,
}

/// The forms of an audit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum AuditFormat {
    /// Columns, for people
    #[default]
    Table,
    /// A JSON array with an object for each kernel, for programs
    Json,
    /// A page with searchable lists, for a browser
    Html,
}

/// A kernel. The fields are an interface.
#[derive(Debug, Serialize)]
struct Row<'a> {
    vmlinux: &'a str,
    symbols: usize,
    suffixed: Vec<SuffixedRow<'a>>,
    rules: Vec<RuleRow<'a>>,
    static_and_global: Vec<RepeatRow<'a>>,
    out_of_order: Vec<RepeatRow<'a>>,
    numbered: &'a [String],
    /// The changes from the kernel before.
    changes: Option<ChangesRow<'a>>,
}

#[derive(Debug, Serialize)]
struct SuffixedRow<'a> {
    kind: &'static str,
    name: &'a str,
    clean: &'a str,
    address: Address,
}

#[derive(Debug, Serialize)]
struct RuleRow<'a> {
    policy: &'static str,
    repeats: Vec<RepeatRow<'a>>,
}

#[derive(Debug, Serialize)]
struct RepeatRow<'a> {
    name: &'a str,
    matches: usize,
}

#[derive(Debug, Serialize)]
struct ChangesRow<'a> {
    suffix_lost: &'a [String],
    suffix_gained: &'a [String],
    hash_changed: &'a [String],
    matches_changed: Vec<MatchesRow<'a>>,
}

#[derive(Debug, Serialize)]
struct MatchesRow<'a> {
    name: &'a str,
    before: usize,
    after: usize,
}

/// Runs the command.
pub fn run(args: &Args, console: &Console) -> Result<Verdict> {
    if args.vmlinux.len() > 2 {
        let given = args.vmlinux.len();
        anyhow::bail!("expected one --vmlinux, or two to compare, found {given}");
    }
    let mut audits = Vec::new();
    for path in &args.vmlinux {
        let input = ElfInput::open(path)?;
        let elf = input.parse()?;
        elf.expect_linked()?;
        let audit = Audit::new(&elf)?;
        let (symbols, origin) = (audit.symbols, &audit.origin);
        console.detail(&format_args!("{symbols} symbols from {origin}"));
        if let Some(note) = &audit.release_note {
            console.note(note);
        }
        audits.push(audit);
    }
    let changes = match &audits[..] {
        [before, after] => Some(KernelChanges::new(before, after)),
        _ => None,
    };
    let last = audits.len() - 1;
    let rows = audits.iter().enumerate();
    let rows = rows.map(|(at, audit)| row(audit, changes.as_ref().filter(|_| at == last)));
    let rows = console.rows(rows);
    match args.format {
        AuditFormat::Table | AuditFormat::Html if console.is_quiet() => {}
        AuditFormat::Json => console.json(rows)?,
        AuditFormat::Html => {
            let rows: Vec<_> = rows.collect();
            let page = html::page(&serde_json::to_string(&rows)?);
            console.table(|out| out.raw().write_all(page.as_bytes()))?;
        }
        AuditFormat::Table => console.table(|page| print(page, &audits, changes.as_ref()))?,
    }
    Ok(Verdict::Yes)
}

fn row<'a>(audit: &'a Audit, changes: Option<&'a KernelChanges>) -> Row<'a> {
    Row {
        vmlinux: &audit.origin,
        symbols: audit.symbols,
        suffixed: audit
            .suffixed
            .iter()
            .map(|s| SuffixedRow {
                kind: s.kind.as_str(),
                name: &s.name,
                clean: &s.clean,
                address: Address(s.address),
            })
            .collect(),
        rules: audit
            .rules
            .iter()
            .map(|rule| RuleRow {
                policy: rule.policy.as_str(),
                repeats: repeat_rows(&rule.repeats),
            })
            .collect(),
        static_and_global: repeat_rows(&audit.static_and_global),
        out_of_order: repeat_rows(&audit.out_of_order),
        numbered: &audit.numbered,
        changes: changes.map(|changes| ChangesRow {
            suffix_lost: &changes.suffix_lost,
            suffix_gained: &changes.suffix_gained,
            hash_changed: &changes.hash_changed,
            matches_changed: changes
                .matches_changed
                .iter()
                .map(|m| MatchesRow {
                    name: &m.name,
                    before: m.before,
                    after: m.after,
                })
                .collect(),
        }),
    }
}

fn repeat_rows(repeats: &[Repeat]) -> Vec<RepeatRow<'_>> {
    let rows = repeats.iter().map(|repeat| RepeatRow {
        name: &repeat.name,
        matches: repeat.matches,
    });
    rows.collect()
}

/// Prints a line with a figure for each kernel, and a description.
fn figures(
    page: &mut Page<'_>,
    audits: &[Audit],
    what: &str,
    figure: impl Fn(&Audit) -> usize,
) -> io::Result<()> {
    let mut line = String::new();
    for audit in audits {
        // Writing to a string does not fail.
        let _ = write!(line, "{:>9}", figure(audit));
    }
    page.line(9 * audits.len() + 2, format_args!("{line}  {what}"))
}

/// Prints the first of some names, and the number of further names.
fn names<'n>(
    page: &mut Page<'_>,
    what: &str,
    names: impl ExactSizeIterator<Item = &'n str>,
) -> io::Result<()> {
    let more = names.len().saturating_sub(SHOWN);
    let mut line: Vec<_> = names.take(SHOWN).collect();
    let rest = format!("and {more} more");
    if more > 0 {
        line.push(&rest);
    }
    if line.is_empty() {
        return Ok(());
    }
    let what = page.paint(Look::Heading, what);
    page.line(4, format_args!("{what}: {}", line.join(" ")))
}

fn print(page: &mut Page<'_>, audits: &[Audit], changes: Option<&KernelChanges>) -> io::Result<()> {
    for (number, audit) in (1..).zip(audits) {
        let origin = page.paint(Look::Heading, &audit.origin);
        page.line(4, format_args!("{number}: {origin}"))?;
    }
    figures(page, audits, "symbols in /proc/kallsyms", |a| a.symbols)?;
    figures(page, audits, "with a suffix", |a| a.suffixed.len())?;
    for kind in SuffixKind::ALL {
        let plural = if kind == SuffixKind::Prefix {
            "es"
        } else {
            "s"
        };
        let what = format!("  {}{plural}", kind.as_str());
        figures(page, audits, &what, |a| a.count(kind))?;
    }
    for policy in [Policy::Exact, Policy::Llvm, Policy::LlvmCut, Policy::DotCut] {
        let what = format!(
            "names that need a position by {policy}: {}",
            rule::in_words(policy)
        );
        figures(page, audits, &what, |a| {
            a.rule(policy).map_or(0, |rule| rule.repeats.len())
        })?;
    }
    figures(
        page,
        audits,
        "names that a static and a global symbol have",
        |a| a.static_and_global.len(),
    )?;
    figures(
        page,
        audits,
        "names whose symbol table order is not address order",
        |a| a.out_of_order.len(),
    )?;
    figures(page, audits, "names that end with .<number>", |a| {
        a.numbered.len()
    })?;
    if let Some(changes) = changes {
        names(
            page,
            "suffix lost",
            changes.suffix_lost.iter().map(String::as_str),
        )?;
        names(
            page,
            "suffix gained",
            changes.suffix_gained.iter().map(String::as_str),
        )?;
        names(
            page,
            "other hash",
            changes.hash_changed.iter().map(String::as_str),
        )?;
        let other = changes.matches_changed.iter();
        let other: Vec<_> = other
            .map(|m| format!("{} ({} -> {})", m.name, m.before, m.after))
            .collect();
        names(
            page,
            "other number of matches",
            other.iter().map(String::as_str),
        )?;
    } else if let [audit] = audits {
        let promoted = audit.suffixed.iter().filter(|s| s.kind.is_of_the_source());
        let promoted: Vec<_> = promoted.map(|s| s.clean.as_str()).collect();
        names(page, "promoted", promoted.into_iter())?;
        let repeats = [
            ("static and global", &audit.static_and_global),
            ("not in address order", &audit.out_of_order),
        ];
        for (what, repeats) in repeats {
            names(
                page,
                what,
                repeats.iter().map(|repeat| repeat.name.as_str()),
            )?;
        }
    }
    Ok(())
}
