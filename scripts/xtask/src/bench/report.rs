// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Samples, their medians, and the table of ratios.

use std::fmt;

/// The measurements of one side of a pair: a number for each round.
#[derive(Clone, Debug)]
pub struct Samples(pub Vec<f64>);

/// The middle of some numbers, and where their lower and upper quarters end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    pub low: f64,
    pub median: f64,
    pub high: f64,
}

impl Samples {
    /// The spread of the samples.
    pub fn spread(&self) -> Spread {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let at = |quarter: usize| {
            let index = sorted.len().saturating_sub(1) * quarter / 4;
            sorted.get(index).copied().unwrap_or(f64::NAN)
        };
        Spread {
            low: at(1),
            median: at(2),
            high: at(3),
        }
    }

    /// The median.
    pub fn median(&self) -> f64 {
        self.spread().median
    }

    /// Each sample divided by that of the same round.
    pub fn ratios(&self, peer: &Self) -> Self {
        Self(self.0.iter().zip(&peer.0).map(|(a, b)| a / b).collect())
    }
}

/// The form in which a number is printed.
#[derive(Clone, Copy, Debug)]
pub enum NumberForm {
    Milliseconds,
    Microseconds,
    MiB,
    /// The unit of a row.
    Number,
}

impl NumberForm {
    fn show(self, number: f64) -> String {
        match self {
            Self::Milliseconds => format!("{:.1} ms", number * 1e3),
            Self::Microseconds => format!("{:.2} µs", number * 1e6),
            Self::MiB => format!("{:.1} MiB", number / f64::from(1 << 20)),
            Self::Number => format!("{number:.0}"),
        }
    }
}

/// A line of the table.
struct RatioRow {
    what: String,
    measured: (String, String),
    ratio: Spread,
}

/// The table of ratios.
#[derive(Default)]
pub struct Ratios {
    rows: Vec<RatioRow>,
    notes: Vec<String>,
}

impl Ratios {
    /// Adds a line below the table.
    pub fn note(&mut self, text: String) {
        self.notes.push(text);
    }

    /// Adds a pair: `ours` divided by `peer`, round by round.
    pub fn add(
        &mut self,
        what: impl Into<String>,
        unit: NumberForm,
        ours: &Samples,
        peer: &Samples,
    ) {
        self.rows.push(RatioRow {
            what: what.into(),
            measured: (unit.show(ours.median()), unit.show(peer.median())),
            ratio: ours.ratios(peer).spread(),
        });
    }
}

impl fmt::Display for Ratios {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| measured | median | of | ratio | quartiles |")?;
        writeln!(f, "| --- | ---: | ---: | ---: | ---: |")?;
        for RatioRow {
            what,
            measured: (ours, peer),
            ratio,
        } in &self.rows
        {
            let Spread { low, median, high } = ratio;
            writeln!(
                f,
                "| {what} | {ours} | {peer} | {median:.2} | {low:.2} – {high:.2} |"
            )?;
        }
        for note in &self.notes {
            writeln!(f, "\n{note}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_of_the_same_round() {
        let ours = Samples(vec![1.0, 20.0, 3.0, 8.0, 5.0]);
        let peer = Samples(vec![2.0, 20.0, 4.0, 2.0, 1.0]);
        assert_eq!(
            ours.ratios(&peer).spread(),
            Spread {
                low: 0.75,
                median: 1.0,
                high: 4.0
            }
        );
        let mut report = Ratios::default();
        report.add("it", NumberForm::Milliseconds, &ours, &peer);
        let table = report.to_string();
        assert!(
            table.contains("| it | 5000.0 ms | 2000.0 ms | 1.00 | 0.75 – 4.00 |"),
            "{table}"
        );
    }
}
