// SPDX-License-Identifier: GPL-2.0 OR MIT

//! `klp-gen resolve`

use super::options::format::{Format, FormatArg};
use super::options::target::TargetArgs;
use super::ui::answer::{self, AnswerRow};
use super::ui::{Console, Look, Verdict};
use anyhow::{anyhow, Result};
use klp_gen::file::read_file;
use klp_gen::file::sort::expect_text;
use klp_gen::kallsyms::text::is_generated;
use klp_gen::resolve::{resolve, trace, Answer};
use klp_gen::shown::shown;
use klp_gen::target::Target;
use klp_policy::{Request, Sympos};
use serde::Serialize;
use std::cell::Cell;
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

/// Say which symbols names mean, or why they mean none
///
/// A livepatch is taken to ask. A tracer gets the same symbols but for two differences: a hash of another
/// build counts as none, and a name without a module is looked for in vmlinux and in all modules. Any symbol
/// counts, as for `kallsyms_lookup_name()`; tracers of functions pass over variables.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  # the second of the functions called init_once
  $ klp-gen resolve init_once,2 --vmlinux vmlinux
  # the second with the promoted ones counted, and a symbol of a module
  $ klp-gen resolve 'init_once.llvm.*,2' net_mod:handle --vmlinux vmlinux --module net-mod.ko
  # the function that a kprobe on handle is set on, in the kernel or in a module
  $ klp-gen resolve --tracer handle --vmlinux vmlinux --module net-mod.ko

Exit status: 0 each name means one symbol, 1 one of them does not, 2 could not run.")]
pub struct Args {
    /// [objname:]name[,sympos]; `name.llvm.*` counts promoted and other symbols together
    #[arg(required_unless_present = "file", value_name = "QUERY")]
    queries: Vec<OsString>,

    /// Also answer the queries in FILE, one on each line; `-` is stdin
    #[arg(long = "queries", value_name = "FILE")]
    file: Option<PathBuf>,

    /// Answer as a tracer is answered, not a livepatch: [module:]name in vmlinux and all modules
    #[arg(long)]
    tracer: bool,

    #[command(flatten)]
    target: TargetArgs,

    #[command(flatten)]
    format: FormatArg,
}

/// One answer; the fields are an interface: docs/schema/resolve.json.
#[derive(Debug, Serialize)]
struct Row<'t> {
    query: &'t str,
    #[serde(flatten)]
    answer: AnswerRow<'t>,
}

fn read_queries(path: &Path) -> Result<Vec<u8>> {
    let queries = read_file(path)?;
    expect_text(
        &path.display().to_string(),
        "queries, one on each line",
        &queries,
    )?;
    Ok(queries)
}

/// Runs the command.
pub fn run(args: &Args, console: &Console) -> Result<Verdict> {
    let file = match &args.file {
        Some(file) => read_queries(file)?,
        None => Vec::new(),
    };
    let lines = file.split(|&b| b == b'\n');
    let lines = lines.map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let lines = lines.filter(|line| !line.is_empty());
    let mut requests = Vec::new();
    // Symbol names need not be UTF-8.
    for query in args.queries.iter().map(|q| q.as_bytes()).chain(lines) {
        let (request, query) = (Request::parse(query), shown(query));
        let request = request.map_err(|e| anyhow!("query '{query}': {e}"))?;
        if args.tracer && request.sympos != Sympos::UNIQUE {
            return Err(anyhow!(
                "query '{query}': a tracer has no positions, leave ',' away"
            ));
        }
        requests.push((request, query));
    }
    if let (Some(file), true) = (&args.file, requests.is_empty()) {
        return Err(anyhow!("{}: expected queries, found none", file.display()));
    }
    let files = args.target.open()?;
    let target = Target::load(&files)?;
    console.target(&target, Some(args.target.policy));
    console.mismatches(&target);
    // One after the other: of a name that a file has a million times, no more than one is kept.
    let all_resolved = Cell::new(true);
    let mut answers = requests.iter().filter_map(|(request, query)| {
        let ask = if args.tracer { trace } else { resolve };
        let answer = ask(&target, args.target.policy, request);
        if matches!(answer, Answer::NoObject) {
            let object = request.objname;
            let because = |why: &str| format!("{object} is not among the targets, {why}");
            let why = if is_generated(object.as_bytes()) {
                because(
                    "what kallsyms lists as its symbols was made at run time, and is found by no name",
                )
            } else if object.as_bytes().contains(&b'-') {
                because("a module's name has '_' where that of its file has '-'")
            } else {
                target.not_given(object)
            };
            console.error(&format_args!("query '{query}': {why}"));
        }
        let resolved = matches!(answer, Answer::Resolved { .. });
        all_resolved.set(all_resolved.get() && resolved);
        (!console.is_quiet() || !resolved).then_some((query.as_str(), request, answer))
    });
    match args.format.format {
        Format::Json => console.json(answers.by_ref().map(|(query, _, answer)| Row {
            query,
            answer: AnswerRow::new(&answer),
        }))?,
        Format::Table => console.table(|page| {
            answers.try_for_each(|(query, request, answer)| {
                let label = format!("{}: ", page.paint(Look::Heading, query));
                let choose = if args.tracer {
                    answer::BY_MODULE
                } else {
                    answer::BY_POSITION
                };
                answer::print(page, &label, choose, request, &answer)
            })
        })?,
    }
    // What nobody reads any more counts, too.
    answers.for_each(drop);
    Ok(if all_resolved.get() {
        Verdict::Yes
    } else {
        Verdict::No
    })
}
