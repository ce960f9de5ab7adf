// SPDX-License-Identifier: GPL-2.0 OR MIT

//! What came of a request, for people and for programs.

use super::output::{Address, Text};
use super::page::{Look, Page};
use klp_gen::resolve::Answer;
use klp_gen::shown::shown;
use klp_gen::symbols::Entry;
use klp_policy::{Reason, Request, SymbolName};
use serde::Serialize;
use std::io;

/// How many candidates a table lists; JSON has them all.
const SHOWN: usize = 20;

/// An answer; the fields are an interface: docs/schema/resolve.json.
#[derive(Debug, Serialize)]
pub struct AnswerRow<'t> {
    status: &'static str,
    address: Option<Address>,
    name: Option<Text<SymbolName<'t>>>,
    candidates: Vec<CandidateRow<'t>>,
}

#[derive(Debug, Serialize)]
struct CandidateRow<'t> {
    sympos: u64,
    address: Address,
    name: Text<SymbolName<'t>>,
}

impl<'t> AnswerRow<'t> {
    /// The row of an answer.
    pub fn new(answer: &Answer<'t>) -> Self {
        let entry = match answer {
            Answer::Resolved { entry, .. } => Some(entry),
            _ => None,
        };
        let candidates = match answer {
            Answer::Refused { candidates, .. } => candidates.as_slice(),
            _ => &[],
        };
        Self {
            status: answer.status(),
            address: entry.map(|e| Address(e.address)),
            name: entry.map(|e| Text(e.name)),
            candidates: candidates
                .iter()
                .map(|c| CandidateRow {
                    sympos: c.position,
                    address: Address(c.entry.address),
                    name: Text(c.entry.name),
                })
                .collect(),
        }
    }
}

/// Prints an answer behind `label`, and the candidates below it.
pub fn print(
    page: &mut Page<'_>,
    label: &str,
    request: &Request<'_>,
    answer: &Answer<'_>,
) -> io::Result<()> {
    let status = page.paint(Look::Bad, answer.status());
    match answer {
        Answer::NoObject => {
            let object = request.objname;
            page.line(4, format_args!("{label}{status}: no object {object}"))
        }
        Answer::Resolved { found, entry } => {
            let (symbol, position) = (in_words(entry), found.position);
            let symbol = page.paint(Look::Good, symbol);
            let matches = found.matches;
            page.line(4, format_args!("{label}{symbol} ({position} of {matches})"))
        }
        Answer::Refused { reason, candidates } => {
            let why = match reason {
                Reason::NotFound => "no symbol matches".to_owned(),
                Reason::Ambiguous { matches } => {
                    format!("{matches} symbols match, give a position")
                }
                Reason::NoSuchPosition { matches } => {
                    format!("position {}, but {matches} match", request.sympos)
                }
            };
            page.line(4, format_args!("{label}{status}: {why}"))?;
            let indent = label.len() - label.trim_start().len();
            for c in candidates.iter().take(SHOWN) {
                let (position, symbol) = (c.position, in_words(&c.entry));
                page.line(
                    indent + 10,
                    format_args!("{:indent$}  {position:>4}: {symbol}", ""),
                )?;
            }
            if candidates.len() > SHOWN {
                let more = candidates.len() - SHOWN;
                page.line(0, format_args!("{:indent$}  and {more} more", ""))?;
            }
            Ok(())
        }
    }
}

fn in_words(entry: &Entry<'_>) -> String {
    let (address, letter) = (entry.address, char::from(entry.letter));
    format!("{address:016x} {letter} {}", shown(entry.name.0))
}
