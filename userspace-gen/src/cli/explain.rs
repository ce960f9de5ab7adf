// SPDX-License-Identifier: GPL-2.0 OR MIT

//! `klp-gen explain`

use super::options::format::{Format, FormatArg};
use super::options::rule;
use super::options::target::FileArgs;
use super::ui::answer::{self, AnswerRow};
use super::ui::json::Text;
use super::ui::{Console, Look, Page, Verdict};
use anyhow::{anyhow, Result};
use klp_gen::explain::{Asks, WrittenName};
use klp_gen::printable::shown;
use klp_gen::resolve::resolve;
use klp_gen::target::{rule_of, Target};
use klp_policy::{
    CleanName, LivepatchSection, NameClass, ObjName, ParsedName, Policy, Query, Request,
    SymbolName, Sympos,
};
use serde::Serialize;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::io;
use std::os::unix::ffi::OsStrExt as _;

/// The column of the explanation, behind the subject.
const INDENT: usize = 12;

/// Explain in words how names are read, and which symbols they match under each rule
///
/// No kernel is needed. If a kernel is given, the symbols that each rule finds in it are printed as well.
/// The exit status is 0 for every name that can be read; use `klp-gen resolve` to test that a name is
/// found.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  # the parts of a name, and its meaning under the four rules
  $ klp-gen explain init_once.llvm.9a3f
  # the same for a livepatch symbol, with the symbols that it finds in a kernel
  $ klp-gen explain '.klp.sym.vmlinux.init_once.llvm.*,2' --vmlinux vmlinux

Exit status: 0 explained, 2 a name or a file cannot be read.")]
pub struct Args {
    /// [objname:]name[,sympos], .klp.sym.<objname>.<name>,<sympos> or .klp.rela.<objname>.<section>
    #[arg(required = true, value_name = "NAME")]
    names: Vec<OsString>,

    #[command(flatten)]
    files: FileArgs,

    #[command(flatten)]
    format: FormatArg,
}

/// An explanation. The fields are an interface: docs/schema/explain.json.
#[derive(Debug, Serialize)]
struct Row<'t> {
    written: &'t str,
    form: &'static str,
    object: Text<ObjName<'t>>,
    section: Option<Text<SymbolName<'t>>>,
    name: Option<Text<SymbolName<'t>>>,
    sympos: Option<u64>,
    parts: Option<Parts<'t>>,
    rules: Vec<RuleRow<'t>>,
}

#[derive(Debug, Serialize)]
struct Parts<'t> {
    class: &'static str,
    prefix: Option<Text<SymbolName<'t>>>,
    function: Option<Text<SymbolName<'t>>>,
    base: Text<SymbolName<'t>>,
    unique: Option<Text<SymbolName<'t>>>,
    id: Option<Text<SymbolName<'t>>>,
    module: Option<Text<SymbolName<'t>>>,
    pass: Option<Text<SymbolName<'t>>>,
    hash: Option<Text<SymbolName<'t>>>,
    after: Option<Text<SymbolName<'t>>>,
}

#[derive(Debug, Serialize)]
struct RuleRow<'t> {
    policy: &'static str,
    compared_as: Option<Text<CleanName<'t>>>,
    matches: String,
    answer: Option<AnswerRow<'t>>,
}

/// Runs the command.
pub fn run(args: &Args, console: &Console) -> Result<Verdict> {
    let mut all = Vec::new();
    for name in &args.names {
        let (written, name) = (WrittenName::parse(name.as_bytes()), shown(name.as_bytes()));
        all.push((written.map_err(|e| anyhow!("name '{name}': {e}"))?, name));
    }
    let files = args.files.open()?;
    let target = Target::load(&files)?;
    console.target(&target, None, None);
    console.mismatches(&target);
    if console.is_quiet() {
        all.clear();
    }
    let target = (!args.files.is_empty()).then_some(&target);
    match args.format.format {
        Format::Json => console.json(all.iter().map(|(w, name)| row(name, w, target)))?,
        Format::Table => console.table(|page| {
            for (i, (written, name)) in all.iter().enumerate() {
                if i > 0 {
                    page.line(0, format_args!(""))?;
                }
                let heading = page.paint(Look::Heading, name);
                page.line(0, format_args!("{heading}"))?;
                match written {
                    WrittenName::Request { request, .. } => print(page, request, target)?,
                    WrittenName::Section(section) => print_section(page, section)?,
                }
            }
            Ok(())
        })?,
    }
    Ok(Verdict::Yes)
}

fn row<'t>(name: &'t str, written: &WrittenName<'t>, target: Option<&'t Target<'_>>) -> Row<'t> {
    let (request, is_symbol) = match written {
        WrittenName::Request { request, is_symbol } => (request, *is_symbol),
        WrittenName::Section(section) => {
            return Row {
                written: name,
                form: "section",
                object: Text(section.objname()),
                section: Some(Text(SymbolName(section.section()))),
                name: None,
                sympos: None,
                parts: None,
                rules: Vec::new(),
            }
        }
    };
    let parsed = parsed(request.name);
    let some = |part: &'t [u8]| (!part.is_empty()).then_some(Text(SymbolName(part)));
    Row {
        written: name,
        form: if is_symbol { "symbol" } else { "request" },
        object: Text(request.objname),
        section: None,
        name: Some(Text(request.name)),
        sympos: Some(request.sympos.0),
        parts: Some(Parts {
            class: parsed.class.as_str(),
            prefix: some(parsed.prefix),
            function: parsed.function.and_then(some),
            base: Text(SymbolName(parsed.base)),
            unique: some(parsed.unique),
            id: parsed.id.and_then(some),
            module: some(parsed.module),
            pass: some(parsed.pass),
            hash: parsed.hash.and_then(some),
            after: some(parsed.after),
        }),
        rules: Policy::ALL
            .into_iter()
            .map(|policy| RuleRow {
                policy: policy.as_str(),
                compared_as: compared_as(policy, request).map(Text),
                matches: asks(policy, request).to_string(),
                answer: target.map(|target| AnswerRow::new(&resolve(target, policy, request))),
            })
            .collect(),
    }
}

/// Returns the parts of a name; for `<name>.llvm.*`, the parts of `<name>`.
fn parsed(name: SymbolName<'_>) -> ParsedName<'_> {
    match Query::new(name.0) {
        Query::Any(name) | Query::Plain(name) | Query::Hashed(name, _) => ParsedName::new(name.0),
    }
}

/// Returns the symbols of its object that a request asks for under a rule.
fn asks<'n>(policy: Policy, request: &Request<'n>) -> Asks<'n> {
    let rule = rule_of(policy, request.objname);
    Asks::new(rule, &Query::new(request.name.0))
}

/// Returns the name of a symbol as a rule compares it, if a symbol can have this name.
fn compared_as<'n>(policy: Policy, request: &Request<'n>) -> Option<CleanName<'n>> {
    let rule = rule_of(policy, request.objname);
    let query = Query::new(request.name.0);
    query.exact().map(|name| rule.clean(name.0))
}

fn print(
    page: &mut Page<'_>,
    request: &Request<'_>,
    target: Option<&Target<'_>>,
) -> io::Result<()> {
    let query = Query::new(request.name.0);
    let (object, name) = (request.objname, shown(request.name.0));
    let which = match request.sympos {
        Sympos::UNIQUE => "which must be the only match".to_owned(),
        Sympos(n) => format!("match number {n}"),
    };
    explain(page, "asks for", &format!("{name} of {object}, {which}"))?;
    explain(page, "parts", &parts_in_words(&query))?;
    for policy in Policy::ALL {
        let who = page.paint(Look::Aside, rule::in_words(policy));
        explain(page, policy.as_str(), &who.to_string())?;
        let asks = asks(policy, request).to_string();
        explain(page, "", &format!("matches {}", shown(asks.as_bytes())))?;
        if let Some(clean) = compared_as(policy, request) {
            let clean = shown(clean.to_string().as_bytes());
            let what = format!("a symbol of this name is compared as {clean}");
            explain(page, "", &what)?;
        }
        if let Some(target) = target {
            let answer = resolve(target, policy, request);
            let (indent, choose) = (" ".repeat(INDENT), answer::BY_POSITION);
            answer::print(page, &indent, choose, request, &answer)?;
        }
    }
    Ok(())
}

fn print_section(page: &mut Page<'_>, section: &LivepatchSection<'_>) -> io::Result<()> {
    let (object, name) = (section.objname(), shown(section.section()));
    let when = if object.is_vmlinux() {
        "when the livepatch is loaded".to_owned()
    } else {
        format!("when {object} and the livepatch are both loaded")
    };
    let what = format!("relocations that the livepatch core applies {when}");
    explain(page, "holds", &what)?;
    // The name of the section is written with its dot or without.
    let dot = if name.starts_with('.') { "" } else { "." };
    let what = format!("{dot}{name}, by its name; the kernel uses sh_info");
    explain(page, "section", &what)
}

fn explain(page: &mut Page<'_>, what: &str, words: &str) -> io::Result<()> {
    let width = INDENT - 2;
    page.line(INDENT, format_args!("  {what:<width$}{words}"))
}

fn parts_in_words(query: &Query<'_>) -> String {
    let name = match *query {
        Query::Any(name) | Query::Plain(name) | Query::Hashed(name, _) => name,
    };
    let parsed = ParsedName::new(name.0);
    let mut words = class_in_words(&parsed);
    let mut add = |what: &str, part: &[u8]| {
        if !part.is_empty() {
            // Writing to a string does not fail.
            let _ = write!(words, ", {what} {}", shown(part));
        }
    };
    add("made unique by clang:", parsed.unique);
    add("numbered", parsed.id.unwrap_or_default());
    add("promoted with the MD5 sum of its file:", parsed.module);
    add("made by a compiler pass:", parsed.pass);
    add("promoted with the hash", parsed.hash.unwrap_or_default());
    add("then", parsed.after);
    if matches!(query, Query::Any(_)) {
        words += ", with any hash or none";
    }
    words
}

/// Returns a description of a symbol by its name.
fn class_in_words(parsed: &ParsedName<'_>) -> String {
    let (base, function) = (shown(parsed.base), parsed.function.map(shown));
    match (parsed.class, function) {
        (NameClass::Source, Some(function)) => format!("{base}, a static local of {function}"),
        (NameClass::Source, None) => base,
        (NameClass::String, _) => format!("{base}, a string literal"),
        (NameClass::CompoundLiteral, _) => format!("{base}, a compound literal"),
        (NameClass::Table, _) => format!("a table for a switch statement of {base}"),
        (NameClass::FunctionName, _) => format!("the name of {base} as a string"),
        (NameClass::InitialValue, function) => {
            let function = function.unwrap_or_default();
            format!("the initial value of {base}, a local variable of {function}")
        }
        (NameClass::Anonymous, _) => {
            format!("a constant without a name, in the file with the MD5 sum {base}")
        }
        (NameClass::Instrumentation, _) => {
            let prefix = shown(parsed.prefix);
            format!("{prefix}{base}, made by an instrumentation")
        }
        (NameClass::FunctionPrefix, _) => {
            let prefix = shown(parsed.prefix);
            format!("{prefix}{base}, the bytes in front of the function {base}")
        }
    }
}
