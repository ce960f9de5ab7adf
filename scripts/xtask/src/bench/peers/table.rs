// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The tables: what each answer took, and what the answers are.

use super::answer::{Answer, End};
use super::records::{Records, Taken};
use crate::host::run::Usage;
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// The answers of both tools to one patch.
pub struct Row {
    pub patch: &'static str,
    pub ours: Answer,
    pub peer: Answer,
}

/// Writes the tables. `disk` is the most that the cache of klp-gen took.
pub fn tables(rows: &[Row], records: &Records, disk: u64) -> String {
    let mut text = String::from(
        "| patch, from a built tree | CPU: `klp-gen build` | klp-build | ratio | elapsed | | ratio | memory | | ratio |\n\
         | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n",
    );
    for row in rows {
        let costs = costs(&row.ours.usage, &row.peer.usage);
        let _ = writeln!(text, "| `{}` | {costs} |", row.patch);
    }
    if let (Some(peer), Some(first)) = (&records.from_nothing, rows.first()) {
        let ours = sum(&records.kernel.usage, &first.ours.usage);
        let costs = costs(&ours, &peer.usage);
        let _ = writeln!(text, "| `{}`, from nothing | {costs} |", first.patch);
    }
    text.push_str(
        "\n| built | CPU | elapsed | memory | disk |\n| --- | ---: | ---: | ---: | ---: |\n",
    );
    let built = |taken: &Taken| {
        let usage = &taken.usage;
        format!(
            "{} | {} | {} | {}",
            seconds(usage.processor.as_secs_f64()),
            seconds(usage.elapsed.as_secs_f64()),
            mib(usage.peak),
            mib(taken.disk)
        )
    };
    let _ = writeln!(
        text,
        "| the kernel that runs | {} |",
        built(&records.kernel)
    );
    if let Some(peer) = &records.from_nothing {
        let _ = writeln!(
            text,
            "| klp-build, original and patched kernel | {} |",
            built(peer)
        );
    }
    let _ = writeln!(text, "| cache of `klp-gen build` | | | | {} |", mib(disk));

    text.push_str("\n| patch | `klp-gen build` | klp-build |\n| --- | --- | --- |\n");
    for row in rows {
        let [ours, peer] = [&row.ours, &row.peer].map(answer);
        let _ = writeln!(text, "| `{}` | {ours} | {peer} |", row.patch);
    }
    text
}

/// Returns processor time, elapsed time and memory of both, with ratios.
fn costs(ours: &Usage, peer: &Usage) -> String {
    let ratio = |ours: f64, peer: f64| format!("{:.2}", ours / peer);
    let mut cells = Vec::new();
    for time in [
        |usage: &Usage| usage.processor,
        |usage: &Usage| usage.elapsed,
    ] {
        let [a, b] = [ours, peer].map(|usage| time(usage).as_secs_f64());
        cells.extend([seconds(a), seconds(b), ratio(a, b)]);
    }
    #[expect(clippy::cast_precision_loss, reason = "exact up to 8 PiB")]
    let memory = ratio(ours.peak as f64, peer.peak as f64);
    cells.extend([mib(ours.peak), mib(peer.peak), memory]);
    cells.join(" | ")
}

/// Returns what two builds take one after the other.
fn sum(first: &Usage, second: &Usage) -> Usage {
    Usage {
        processor: first.processor + second.processor,
        elapsed: first.elapsed + second.elapsed,
        peak: first.peak.max(second.peak),
    }
}

fn seconds(number: f64) -> String {
    format!("{number:.1} s")
}

fn mib(bytes: u64) -> String {
    format!("{} MiB", bytes >> 20)
}

/// Returns the cell that says what came of a patch.
fn answer(answer: &Answer) -> String {
    if let Some(refusal) = &answer.refusal {
        return format!("refused: {}", escaped(refusal));
    }
    let mut text = names(&answer.functions);
    match &answer.end {
        Some(End::Works) => text.push_str("; works"),
        Some(End::Fails(failure)) => {
            let _ = write!(text, "; does not work: {}", escaped(failure));
        }
        None => {}
    }
    if let Some(check) = answer.check.as_ref().filter(|check| !check.is_empty()) {
        let _ = write!(text, "; `klp-gen check`: {}", escaped(check));
    }
    text
}

fn names(functions: &BTreeSet<String>) -> String {
    let names: Vec<_> = functions.iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}

/// Returns a text that ends no cell.
fn escaped(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn usage(seconds: u64) -> Usage {
        Usage {
            processor: Duration::from_secs(seconds),
            elapsed: Duration::from_secs(2 * seconds),
            peak: seconds << 20,
        }
    }

    #[test]
    fn the_tables_have_ratios_and_answers() {
        let ours = Answer {
            usage: usage(10),
            functions: BTreeSet::from(["a".to_owned(), "b".to_owned()]),
            end: Some(End::Works),
            check: Some(String::new()),
            ..Answer::default()
        };
        let peer = Answer {
            usage: usage(100),
            refusal: Some("no | no".to_owned()),
            ..Answer::default()
        };
        let bad = Answer {
            end: Some(End::Fails("loaded: Oops".to_owned())),
            check: Some("no entry".to_owned()),
            ..ours.clone()
        };
        let records = Records {
            kernel: Taken {
                usage: usage(90),
                disk: 5 << 20,
            },
            from_nothing: Some(Taken {
                usage: usage(200),
                disk: 7 << 20,
            }),
            ..Records::default()
        };
        let rows = [
            Row {
                patch: "one",
                ours: ours.clone(),
                peer,
            },
            Row {
                patch: "two",
                ours,
                peer: bad,
            },
        ];
        let text = tables(&rows, &records, 1 << 20);
        for line in [
            "| `one` | 10.0 s | 100.0 s | 0.10 | 20.0 s | 200.0 s | 0.10 | 10 MiB | 100 MiB | 0.10 |",
            "| `one`, from nothing | 100.0 s | 200.0 s | 0.50 | 200.0 s | 400.0 s | 0.50 | 90 MiB | 200 MiB | 0.45 |",
            "| the kernel that runs | 90.0 s | 180.0 s | 90 MiB | 5 MiB |",
            "| `one` | `a`, `b`; works | refused: no \\| no |",
            "| `two` | `a`, `b`; works | `a`, `b`; does not work: loaded: Oops; `klp-gen check`: no entry |",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
    }
}
