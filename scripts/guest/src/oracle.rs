// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Compares what the module resolves with every line of /proc/kallsyms.
//!
//! A position is counted here by nothing but reading the lines in order; only the cleaning of a name
//! is `klp-policy`'s, which has an oracle of its own in its tests.

use anyhow::{
    ensure,
    Context,
    Result, //
};

use crate::{
    kallsyms::{self, KallsymsLine, VMLINUX},
    positions::{self, Positioned},
    query::{QueryFile, Resolved}, //
};

/// The number of wrong answers that are printed.
const SHOWN: usize = 20;

/// Resolve every line of /proc/kallsyms as `name.llvm.*,position` and compare; print `N of N`.
#[derive(clap::Args)]
pub struct Args {
    /// Fail unless this module is among the lines.
    #[arg(long, value_name = "NAME")]
    require_module: Vec<String>,
    /// Fail unless there are this many lines.
    #[arg(long, value_name = "N", default_value_t = 0)]
    at_least: usize,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<bool> {
    let text = kallsyms::read()?;
    let symbols = kallsyms::parse(&text)?;
    let (asked, others): (Vec<_>, Vec<_>) = symbols
        .into_iter()
        .partition(KallsymsLine::is_defined_in_object);
    ensure!(
        asked.iter().any(|symbol| symbol.address != 0),
        "/proc/kallsyms shows no addresses"
    );
    for module in &args.require_module {
        ensure!(
            asked.iter().any(|symbol| symbol.object == module),
            "/proc/kallsyms lists no symbol of {module}"
        );
    }

    let file = QueryFile::open().context("cannot ask the module")?;
    let mut right = 0;
    let mut wrong = 0;
    for Positioned {
        symbol,
        clean,
        position,
        matches,
    } in positions::of(&asked)
    {
        let question = question(&symbol, &clean, position);
        let position = format!("{position}/{matches}");
        let answer = file.ask(&question)?;
        let expected = Resolved {
            address: symbol.address,
            name: symbol.name,
            position: &position,
            object: symbol.object,
        };
        if Resolved::parse(&answer).as_ref() == Some(&expected) {
            right += 1;
            continue;
        }
        wrong += 1;
        if wrong <= SHOWN {
            println!("{question}: expected {expected:x?}, the answer was {answer:?}");
        }
    }
    println!(
        "{right} of {} ({} other lines: undefined references and code generated at run time)",
        asked.len(),
        others.len()
    );
    ensure!(
        asked.len() >= args.at_least,
        "/proc/kallsyms has {} lines, at least {} were expected",
        asked.len(),
        args.at_least
    );
    Ok(right == asked.len())
}

fn question(symbol: &KallsymsLine<'_>, clean: &str, position: usize) -> String {
    if symbol.object == VMLINUX {
        format!("{clean}.llvm.*,{position}")
    } else {
        format!("{}:{clean}.llvm.*,{position}", symbol.object)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_names_the_module() {
        let symbol = KallsymsLine::parse("2 t f.llvm.12").unwrap();
        assert_eq!(question(&symbol, "f", 2), "f.llvm.*,2");
        let symbol = KallsymsLine::parse("3 t f\t[m]").unwrap();
        assert_eq!(question(&symbol, "f", 1), "m:f.llvm.*,1");
    }
}
