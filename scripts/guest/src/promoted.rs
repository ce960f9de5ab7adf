// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Lists what the build promoted, so that no test has to know a hash or guess a name.

use std::{
    collections::{HashMap, HashSet},
    fs,
    io::{self, ErrorKind, Write}, //
};

use anyhow::{
    Context,
    Result, //
};
use klp_policy::cleanup_symbol_name;

use crate::kallsyms::{
    self,
    KallsymsLine,
    VMLINUX, //
};

const TRACEABLE: &str = "/sys/kernel/tracing/available_filter_functions";

/// Print the functions of vmlinux that were promoted and that ftrace can trace.
///
/// A line has the cleaned name, the full name, and how many symbols have this cleaned name. With `--every` the
/// functions that ftrace cannot trace are there as well, and a fourth word says what a tracer can expect:
/// `traceable`, `untraceable`, or `shadowed` where a symbol has exactly the cleaned name.
#[derive(clap::Args)]
pub struct Args {
    /// Only those whose cleaned name nothing else has, in any module either.
    #[arg(long)]
    unique: bool,
    /// Only those whose cleaned name other promoted symbols have too, but no symbol as its full name.
    #[arg(long, conflicts_with = "unique")]
    ambiguous: bool,
    /// All of them, with a word for each about whether it can be traced by its cleaned name.
    #[arg(long, conflicts_with_all = ["unique", "ambiguous"])]
    every: bool,
}

/// Runs the command; an empty list is an honest no.
pub fn run(args: &Args) -> Result<bool> {
    let text = kallsyms::read()?;
    let symbols = kallsyms::parse(&text)?;
    let traceable =
        fs::read_to_string(TRACEABLE).with_context(|| format!("cannot read {TRACEABLE}"))?;
    // `NAME` or `NAME [module]`
    let traceable: HashSet<_> = traceable.lines().collect();

    let mut counts = HashMap::new();
    let mut full_names = HashSet::new();
    for symbol in &symbols {
        *counts.entry(clean(symbol)).or_insert(0) += 1;
        full_names.insert(symbol.name);
    }
    let mut stdout = io::stdout().lock();
    let mut found = false;
    for symbol in &symbols {
        let clean = clean(symbol);
        let promoted = clean != symbol.name && symbol.object == VMLINUX;
        let can_be_traced = traceable.contains(symbol.name);
        let wanted = can_be_traced || args.every && is_function(symbol);
        if !promoted || !wanted {
            continue;
        }
        let count: u32 = counts[&clean];
        let exact = full_names.contains(clean.as_str());
        if args.unique && (count != 1 || exact) || args.ambiguous && (count == 1 || exact) {
            continue;
        }
        found = true;
        let state = match (args.every, exact, can_be_traced) {
            (false, ..) => "",
            (true, true, _) => " shadowed",
            (true, false, true) => " traceable",
            (true, false, false) => " untraceable",
        };
        if let Err(error) = writeln!(stdout, "{clean} {} {count}{state}", symbol.name) {
            // A reader like `head` has seen enough.
            return match error.kind() {
                ErrorKind::BrokenPipe => Ok(true),
                _ => Err(error.into()),
            };
        }
    }
    Ok(found)
}

/// Returns true for a function, and false for what kCFI or call padding puts in front of one.
fn is_function(symbol: &KallsymsLine<'_>) -> bool {
    let in_front = ["__cfi_", "__pfx_"];
    symbol.kind.eq_ignore_ascii_case(&'t')
        && !in_front
            .iter()
            .any(|prefix| symbol.name.starts_with(prefix))
}

fn clean(symbol: &KallsymsLine<'_>) -> String {
    cleanup_symbol_name(symbol.name.as_bytes()).to_string()
}
