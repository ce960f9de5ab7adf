// SPDX-License-Identifier: GPL-2.0 OR MIT

//! `klp-gen symbols`

use super::output::{self, Address, Format, FormatArg, Text};
use super::target::TargetArgs;
use super::Verdict;
use anyhow::Result;
use klp_gen::shown::shown;
use klp_gen::target::Target;
use klp_policy::{CleanName, ObjName, SymbolName};
use serde::Serialize;

/// Print the symbol table that a kernel would have
///
/// vmlinux comes in the order of /proc/kallsyms, a module in the order of its symbol table. What a
/// module loses after its initialization is left out. Addresses in a module file are offsets in the
/// symbol's section.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    target: TargetArgs,

    #[command(flatten)]
    format: FormatArg,
}

/// One symbol; the fields are an interface.
#[derive(Debug, Serialize)]
struct Row<'d> {
    object: Text<ObjName<'d>>,
    address: Address,
    name: Text<SymbolName<'d>>,
    clean: Text<CleanName<'d>>,
    sympos: u32,
    matches: u32,
    #[serde(rename = "type")]
    letter: char,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<Verdict> {
    let files = args.target.open()?;
    let target = Target::load(&files)?;
    let policy = args.target.policy;
    let rows = target.objects().iter().flat_map(|object| {
        object.symbols.live(policy).map(|(entry, position)| Row {
            object: Text(object.name),
            address: Address(entry.address),
            name: Text(entry.name),
            clean: Text(policy.clean(entry.name.0)),
            sympos: position.sympos,
            matches: position.matches,
            letter: entry.letter.into(),
        })
    });
    match args.format.format {
        Format::Json => output::json(rows)?,
        Format::Table => output::text(|out| {
            for row in rows {
                let position = format!("{}/{}", row.sympos, row.matches);
                let clean: Vec<u8> = row.clean.0.bytes().collect();
                let clean = shown(&clean);
                write!(
                    out,
                    "{:016x} {} {position:>7} {clean}",
                    row.address.0, row.letter
                )?;
                if row.clean.0 != *row.name.0.as_bytes() {
                    write!(out, " ({})", shown(row.name.0 .0))?;
                }
                if !row.object.0.is_vmlinux() {
                    write!(out, "\t[{}]", row.object.0)?;
                }
                writeln!(out)?;
            }
            Ok(())
        })?,
    }
    Ok(Verdict::Yes)
}
