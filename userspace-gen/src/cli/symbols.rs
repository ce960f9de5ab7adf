// SPDX-License-Identifier: GPL-2.0 OR MIT

//! `klp-gen symbols`

use super::options::format::{Format, FormatArg};
use super::options::target::TargetArgs;
use super::ui::json::{Address, Text};
use super::ui::{Console, Look, Verdict};
use anyhow::Result;
use klp_gen::printable::shown;
use klp_gen::target::{rule_of, Target};
use klp_policy::{CleanName, ObjName, SymbolName};
use serde::Serialize;

/// Print the symbol table that a kernel would have
///
/// The symbols of vmlinux are in the order of /proc/kallsyms, those of a module in the order of its symbol
/// table. Symbols that a module loses after its initialization are not printed. The address of a symbol in
/// a module file is the offset in its section.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  # the symbols that /proc/kallsyms of a kernel will list, with their positions
  $ klp-gen symbols --vmlinux vmlinux
  # the same for a kernel that cuts its names at the first dot, and for a module with uncut names
  $ klp-gen symbols --vmlinux vmlinux --module net-mod.ko --policy dot-cut

Exit status: 0 printed, 2 a file cannot be read.")]
pub struct Args {
    #[command(flatten)]
    target: TargetArgs,

    #[command(flatten)]
    format: FormatArg,
}

/// A symbol. The fields are an interface: docs/schema/symbols.json.
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
pub fn run(args: &Args, console: &Console) -> Result<Verdict> {
    let files = args.target.open()?;
    let target = Target::load(&files)?;
    let policy = args.target.policy;
    console.target(&target, None, Some(policy));
    console.mismatches(&target);
    let rows = target.objects().iter().flat_map(|object| {
        let policy = rule_of(policy, object.name);
        object
            .symbols
            .live(policy)
            .map(move |(entry, position)| Row {
                object: Text(object.name),
                address: Address(entry.address),
                name: Text(entry.name),
                clean: Text(policy.clean(entry.name.0)),
                sympos: position.sympos,
                matches: position.matches,
                letter: entry.letter.into(),
            })
    });
    let rows = console.rows(rows);
    match args.format.format {
        Format::Json => console.json(rows)?,
        Format::Table => console.table(|page| {
            for row in rows {
                let (address, letter) = (row.address.0, row.letter);
                let position = format!("{}/{}", row.sympos, row.matches);
                let look = if row.matches == 1 {
                    Look::Good
                } else {
                    Look::Doubtful
                };
                let position = page.paint(look, position);
                let name = shown(row.name.0 .0);
                let (clean, full) = if row.clean.0 == *row.name.0.as_bytes() {
                    (name, String::new())
                } else {
                    let clean: Vec<u8> = row.clean.0.bytes().collect();
                    (shown(&clean), format!(" ({name})"))
                };
                let full = page.paint(Look::Aside, full);
                let owner = if row.object.0.is_vmlinux() {
                    String::new()
                } else {
                    format!("\t[{}]", row.object.0)
                };
                page.line(
                    4,
                    format_args!("{address:016x} {letter} {position:>7} {clean}{full}{owner}"),
                )?;
            }
            Ok(())
        })?,
    }
    Ok(Verdict::Yes)
}
