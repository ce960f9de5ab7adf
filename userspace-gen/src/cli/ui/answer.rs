// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The answer to a request, as text and as JSON.

use super::json::{Address, Text};
use super::page::{Look, Page};
use klp_gen::printable::shown;
use klp_gen::resolve::Answer;
use klp_gen::symbols::Entry;
use klp_policy::{ObjName, Reason, Request, SymbolName};
use serde::Serialize;
use std::io;

/// The number of candidates in a table; JSON has all candidates.
const SHOWN: usize = 20;

/// The way in which a livepatch chooses one of several symbols.
pub const BY_POSITION: &str = "give a position";

/// The way in which a tracer chooses one of several symbols.
pub const BY_MODULE: &str = "a tracer can only choose by module";

/// An answer; the fields are an interface: docs/schema/resolve.json.
#[derive(Debug, Serialize)]
pub struct AnswerRow<'t> {
    status: &'static str,
    object: Option<Text<ObjName<'t>>>,
    address: Option<Address>,
    name: Option<Text<SymbolName<'t>>>,
    file: Option<String>,
    candidates: Vec<CandidateRow<'t>>,
}

#[derive(Debug, Serialize)]
struct CandidateRow<'t> {
    sympos: u64,
    object: Text<ObjName<'t>>,
    address: Address,
    name: Text<SymbolName<'t>>,
    file: Option<String>,
}

impl<'t> AnswerRow<'t> {
    /// Returns the row of an answer.
    pub fn new(answer: &Answer<'t>) -> Self {
        let (object, entry, file) = match answer {
            Answer::Resolved {
                object,
                entry,
                file,
                ..
            } => (Some(*object), Some(entry), *file),
            _ => (None, None, None),
        };
        let candidates = match answer {
            Answer::Refused { candidates, .. } => candidates.as_slice(),
            _ => &[],
        };
        Self {
            status: answer.status(),
            object: object.map(Text),
            address: entry.map(|e| Address(e.address)),
            name: entry.map(|e| Text(e.name)),
            file: file.map(shown),
            candidates: candidates
                .iter()
                .map(|c| CandidateRow {
                    sympos: c.position,
                    object: Text(c.object),
                    address: Address(c.entry.address),
                    name: Text(c.entry.name),
                    file: c.file.map(shown),
                })
                .collect(),
        }
    }
}

/// Prints an answer behind `label`, and the candidates below it. `choose` is the advice for a choice of one
/// of them.
pub fn print(
    page: &mut Page<'_>,
    label: &str,
    choose: &str,
    request: &Request<'_>,
    answer: &Answer<'_>,
) -> io::Result<()> {
    let status = page.paint(Look::Bad, answer.status());
    match answer {
        Answer::NoObject => {
            let object = request.objname;
            page.line(4, format_args!("{label}{status}: no object {object}"))
        }
        Answer::Resolved {
            found,
            object,
            entry,
            file,
        } => {
            let symbol = page.paint(Look::Good, in_words(request, *object, entry));
            let (position, matches) = (found.position, found.matches);
            let file = file.map_or_else(String::new, |file| format!(", {}", shown(file)));
            page.line(
                4,
                format_args!("{label}{symbol} ({position} of {matches}{file})"),
            )
        }
        Answer::Refused { reason, candidates } => {
            let why = match reason {
                Reason::NotFound if candidates.is_empty() => "no symbol matches".to_owned(),
                Reason::NotFound => "the hash is of another build; this build has".to_owned(),
                Reason::Ambiguous { matches } => format!("{matches} symbols match, {choose}"),
                Reason::NoSuchPosition { matches } => {
                    format!("position {}, but {matches} match", request.sympos)
                }
            };
            page.line(4, format_args!("{label}{status}: {why}"))?;
            let indent = label.len() - label.trim_start().len();
            for c in candidates.iter().take(SHOWN) {
                let (position, symbol) = (c.position, in_words(request, c.object, &c.entry));
                let file = c
                    .file
                    .map_or_else(String::new, |f| format!(" ({})", shown(f)));
                page.line(
                    indent + 10,
                    format_args!("{:indent$}  {position:>4}: {symbol}{file}", ""),
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

/// Returns the text that [`print`] prints, as a message.
pub fn message(label: &str, choose: &str, request: &Request<'_>, answer: &Answer<'_>) -> String {
    let mut text = Vec::new();
    // Writing to memory does not fail.
    let _ = print(
        &mut Page::new(&mut text, None, false),
        label,
        choose,
        request,
        answer,
    );
    String::from_utf8_lossy(text.trim_ascii_end()).into_owned()
}

/// Returns a symbol as `/proc/kallsyms` prints it, with its module if the request does not name the module.
fn in_words(request: &Request<'_>, object: ObjName<'_>, entry: &Entry<'_>) -> String {
    let (address, letter) = (entry.address, char::from(entry.letter));
    let symbol = format!("{address:016x} {letter} {}", shown(entry.name.0));
    if object == request.objname {
        symbol
    } else {
        format!("{symbol} [{object}]")
    }
}
