// SPDX-License-Identifier: GPL-2.0 OR MIT

//! `klp-gen resolve`

use super::options::target::TargetArgs;
use super::ui::answer::{self, AnswerRow};
use super::ui::{full_name, Console, Look, Verdict};
use anyhow::{anyhow, Result};
use clap::ValueEnum;
use klp_gen::file::read_file;
use klp_gen::file::sort::expect_text;
use klp_gen::kallsyms::text::is_generated;
use klp_gen::printable::shown;
use klp_gen::resolve::{resolve, trace, Answer, Usable};
use klp_gen::target::Target;
use klp_policy::{ObjName, Request, Sympos};
use serde::Serialize;
use std::cell::Cell;
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

/// Print the symbols that names mean, or the reasons why they mean none
///
/// By default, names are resolved as for a livepatch. With `--tracer` they are resolved as for a tracer,
/// with two differences: a hash of another build is ignored, and a name without an object is looked up in
/// vmlinux and in all modules. BPF programs that use BTF look in one object: `vmlinux:name` or
/// `module:name`. Any symbol counts, as for `kallsyms_lookup_name()`; with `--functions`, variables are
/// skipped, as by kprobes.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  # the second of the functions called init_once
  $ klp-gen resolve init_once,2 --vmlinux vmlinux
  # the second, counting the promoted ones as well, and a symbol of a module
  $ klp-gen resolve 'init_once.llvm.*,2' net_mod:handle --vmlinux vmlinux --module net-mod.ko
  # the function for a kprobe on handle, in the kernel or in a module
  $ klp-gen resolve --tracer handle --vmlinux vmlinux --module net-mod.ko
  # the full name of a promoted function, for a tracer that does not ask the kernel
  $ name=$(klp-gen resolve --tracer --functions --format name promoted --vmlinux vmlinux) && echo \"$name\"

Exit status: 0 each name means one symbol, 1 a name does not, 2 could not run. With --format name, 1 also means that
another symbol has the same full name, or that the name is not one word to a shell.")]
pub struct Args {
    /// [objname:]name[,sympos]; `name.llvm.*` counts promoted and other symbols together
    #[arg(required_unless_present = "file", value_name = "QUERY")]
    queries: Vec<OsString>,

    /// Also resolve the queries in FILE, one on each line; `-` is stdin
    #[arg(long = "queries", value_name = "FILE")]
    file: Option<PathBuf>,

    /// Resolve as for a tracer, not for a livepatch: [objname:]name; without objname, in vmlinux and all
    /// modules
    #[arg(long)]
    tracer: bool,

    /// Resolve as for a tracer of functions: variables are skipped
    #[arg(long, requires = "tracer")]
    functions: bool,

    #[command(flatten)]
    target: TargetArgs,

    /// The output format
    #[arg(long, value_enum, default_value_t, help_heading = "Output")]
    format: ResolveFormat,
}

/// The form of the answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum ResolveFormat {
    /// Columns, for people
    #[default]
    Table,
    /// A JSON array, for programs
    Json,
    /// Full names only, one on each line, also with --quiet; messages go to stderr
    Name,
}

/// An answer. The fields are an interface: docs/schema/resolve.json.
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

/// Returns the queries of the command line, then those of `--queries`.
fn read_requests<'q>(args: &'q Args, file: &'q [u8]) -> Result<Vec<(Request<'q>, String)>> {
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
                "query '{query}': a tracer has no positions (remove the ',' and the number)"
            ));
        }
        requests.push((request, query));
    }
    if let (Some(file), true) = (&args.file, requests.is_empty()) {
        return Err(anyhow!("{}: expected queries, found none", file.display()));
    }
    Ok(requests)
}

/// Returns a message for an object that is not among the targets.
fn no_object(target: &Target<'_>, object: ObjName<'_>) -> String {
    let because = |why: &str| format!("{object} is not among the targets: {why}");
    if is_generated(object.as_bytes()) {
        because(
            "kallsyms lists code under this name that was made at run time, which no lookup finds",
        )
    } else if object.as_bytes().contains(&b'-') {
        because("the name of a module has '_' instead of '-'")
    } else {
        target.not_given(object)
    }
}

/// Runs the command.
pub fn run(args: &Args, console: &Console) -> Result<Verdict> {
    let file = match &args.file {
        Some(file) => read_queries(file)?,
        None => Vec::new(),
    };
    let requests = read_requests(args, &file)?;
    let files = args.target.open()?;
    let target = Target::load(&files)?;
    console.target(&target, None, Some(args.target.policy));
    console.mismatches(&target);
    let usable = if args.functions {
        Usable::Functions
    } else {
        Usable::Any
    };
    // Answers are made one after the other, since a file may have a million queries.
    let all_resolved = Cell::new(true);
    let mut answers = requests.iter().map(|(request, query)| {
        let policy = args.target.policy;
        let answer = if args.tracer {
            trace(&target, policy, usable, request)
        } else {
            resolve(&target, policy, request)
        };
        if matches!(answer, Answer::NoObject) {
            let why = no_object(&target, request.objname);
            console.error(&format_args!("query '{query}': {why}"));
        }
        let resolved = matches!(answer, Answer::Resolved { .. });
        all_resolved.set(all_resolved.get() && resolved);
        (query.as_str(), request, answer)
    });
    let is_printed =
        |answer: &Answer<'_>| !console.is_quiet() || !matches!(answer, Answer::Resolved { .. });
    match args.format {
        ResolveFormat::Json => {
            let printed = answers.by_ref().filter(|(.., answer)| is_printed(answer));
            console.json(printed.map(|(query, _, answer)| Row {
                query,
                answer: AnswerRow::new(&answer),
            }))?;
        }
        ResolveFormat::Table => console.table(|page| {
            let mut printed = answers.by_ref().filter(|(.., answer)| is_printed(answer));
            printed.try_for_each(|(query, request, answer)| {
                let label = format!("{}: ", page.paint(Look::Heading, query));
                answer::print(page, &label, choose(args.tracer), request, &answer)
            })
        })?,
        ResolveFormat::Name => {
            let names = answers.by_ref().filter_map(|(query, request, answer)| {
                match name_of(&target, args.tracer, query, request, &answer) {
                    Ok(name) => return Some(name),
                    Err(Some(why)) => console.error(&why),
                    // The message was printed before.
                    Err(None) => {}
                }
                all_resolved.set(false);
                None
            });
            print_names(names, console)?;
        }
    }
    // Answers that are not printed count for the exit status.
    answers.for_each(drop);
    Ok(if all_resolved.get() {
        Verdict::Yes
    } else {
        Verdict::No
    })
}

/// Returns the full name in an answer, or a message if none was printed before.
fn name_of<'t>(
    target: &Target<'_>,
    tracer: bool,
    query: &str,
    request: &Request<'_>,
    answer: &Answer<'t>,
) -> Result<&'t [u8], Option<String>> {
    match answer {
        Answer::Resolved { object, entry, .. } => full_name::word(entry)
            .and_then(|name| {
                // For a tracer, only one symbol has the name.
                if !tracer {
                    full_name::expect_one(target, *object, entry)?;
                }
                Ok(name)
            })
            .map_err(|why| Some(format!("query '{query}': {why}"))),
        Answer::NoObject => Err(None),
        Answer::Refused { .. } => {
            let label = format!("query '{query}': ");
            Err(Some(answer::message(
                &label,
                choose(tracer),
                request,
                answer,
            )))
        }
    }
}

/// Prints names, one on each line.
fn print_names<'t>(mut names: impl Iterator<Item = &'t [u8]>, console: &Console) -> Result<()> {
    console.table(|page| {
        names.try_for_each(|name| {
            page.raw().write_all(name)?;
            page.raw().write_all(b"\n")
        })
    })?;
    // Names that are not printed count for the exit status.
    names.for_each(drop);
    Ok(())
}

/// Returns the advice for a choice of one of several symbols.
fn choose(tracer: bool) -> &'static str {
    if tracer {
        answer::BY_MODULE
    } else {
        answer::BY_POSITION
    }
}
