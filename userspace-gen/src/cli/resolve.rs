// SPDX-License-Identifier: GPL-2.0 OR MIT

//! `klp-gen resolve`

use super::output::{self, message, Address, Format, FormatArg, Text};
use super::target::TargetArgs;
use super::Verdict;
use anyhow::{anyhow, Result};
use klp_gen::resolve::{resolve, Answer};
use klp_gen::shown::shown;
use klp_gen::symbols::Entry;
use klp_gen::target::Target;
use klp_policy::{Reason, Request, SymbolName};
use serde::Serialize;
use std::ffi::OsString;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt as _;

/// How many candidates a table lists; JSON has them all.
const SHOWN: usize = 20;

/// Say which symbols names mean, or why they mean none
#[derive(Debug, clap::Args)]
pub struct Args {
    /// [objname:]name[,sympos]; `name.llvm.*` counts promoted and other symbols together
    #[arg(required = true, value_name = "QUERY")]
    queries: Vec<OsString>,

    #[command(flatten)]
    target: TargetArgs,

    #[command(flatten)]
    format: FormatArg,
}

/// One answer; the fields are an interface.
#[derive(Debug, Serialize)]
struct Row<'t> {
    query: &'t str,
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

/// Runs the command.
pub fn run(args: &Args) -> Result<Verdict> {
    let mut requests = Vec::new();
    for query in &args.queries {
        // Symbol names need not be UTF-8.
        let (request, query) = (Request::parse(query.as_bytes()), shown(query.as_bytes()));
        requests.push((request.map_err(|e| anyhow!("query '{query}': {e}"))?, query));
    }
    let files = args.target.open()?;
    let target = Target::load(&files)?;
    let answers: Vec<_> = requests
        .iter()
        .map(|(request, query)| {
            let answer = resolve(&target, args.target.policy, request);
            if matches!(answer, Answer::NoObject) {
                let object = request.objname;
                message(&format_args!(
                    "query '{query}': {object} is not among the targets, give it with --module"
                ));
            }
            (query.as_str(), request, answer)
        })
        .collect();
    match args.format.format {
        Format::Json => output::json(answers.iter().map(|(query, _, answer)| row(query, answer)))?,
        Format::Table => output::text(|out| {
            for (query, request, answer) in &answers {
                print(out, query, request, answer)?;
            }
            Ok(())
        })?,
    }
    let resolved = |answer: &Answer<'_>| matches!(answer, Answer::Resolved { .. });
    Ok(if answers.iter().all(|(.., answer)| resolved(answer)) {
        Verdict::Yes
    } else {
        Verdict::No
    })
}

fn row<'t>(query: &'t str, answer: &Answer<'t>) -> Row<'t> {
    let entry = match answer {
        Answer::Resolved { entry, .. } => Some(entry),
        _ => None,
    };
    let candidates = match answer {
        Answer::Refused { candidates, .. } => candidates.as_slice(),
        _ => &[],
    };
    Row {
        query,
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

fn print(
    out: &mut dyn Write,
    query: &str,
    request: &Request<'_>,
    answer: &Answer<'_>,
) -> io::Result<()> {
    let line = |e: &Entry<'_>| {
        let name = shown(e.name.0);
        format!("{:016x} {} {name}", e.address, char::from(e.letter))
    };
    match answer {
        Answer::NoObject => writeln!(out, "{query}: not-found: no object {}", request.objname),
        Answer::Resolved { found, entry } => writeln!(
            out,
            "{query}: {} ({} of {})",
            line(entry),
            found.position,
            found.matches
        ),
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
            writeln!(out, "{query}: {}: {why}", answer.status())?;
            for c in candidates.iter().take(SHOWN) {
                writeln!(out, "  {:>4}: {}", c.position, line(&c.entry))?;
            }
            if candidates.len() > SHOWN {
                writeln!(out, "  and {} more", candidates.len() - SHOWN)?;
            }
            Ok(())
        }
    }
}
