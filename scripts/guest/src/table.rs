// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Compares the table that `klp-gen` printed for vmlinux with the running kernel's.

use std::{
    fs,
    path::PathBuf, //
};

use anyhow::{
    ensure,
    Context,
    Result, //
};
use serde::Deserialize;

use crate::{
    kallsyms::{self, KallsymsLine, VMLINUX},
    positions, //
};

/// The number of differences that are printed.
const SHOWN: usize = 20;

/// The first address of the kernel's image. KASLR does not move the symbols below (per-CPU offsets, constants).
const IMAGE: u64 = 0xffff_ffff_8000_0000;

/// Compare the output of `klp-gen symbols --format json` with /proc/kallsyms; print `N of N`.
#[derive(clap::Args)]
pub struct Args {
    /// The host's table of vmlinux.
    table: PathBuf,
}

/// A row of the host's table.
#[derive(Debug, Deserialize)]
struct HostRow {
    object: String,
    address: String,
    name: String,
    clean: String,
    sympos: usize,
    matches: usize,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<bool> {
    let table = fs::read_to_string(&args.table)
        .with_context(|| format!("cannot read {}", args.table.display()))?;
    let table: Vec<HostRow> = serde_json::from_str(&table).context("cannot parse the table")?;
    let text = kallsyms::read()?;
    let symbols: Vec<_> = kallsyms::parse(&text)?
        .into_iter()
        .filter(|symbol| symbol.object == VMLINUX)
        .collect();

    let moved = distance(&table, &symbols)?;
    let mut right = 0;
    let mut wrong = 0;
    for (row, running) in table.iter().zip(positions::of(&symbols)) {
        let address = address(row)?;
        let expected = if address < IMAGE {
            address
        } else {
            address.wrapping_add(moved)
        };
        let same = row.object == running.symbol.object
            && row.name == running.symbol.name
            && expected == running.symbol.address
            && row.clean == running.clean
            && (row.sympos, row.matches) == (running.position, running.matches);
        if same {
            right += 1;
            continue;
        }
        wrong += 1;
        if wrong <= SHOWN {
            println!("the host has {row:?}, the kernel has {running:x?}");
        }
    }
    println!("{right} of {} rows of the host's table", table.len());
    ensure!(
        table.len() == symbols.len(),
        "the host's table has {} rows, the kernel's {}",
        table.len(),
        symbols.len()
    );
    Ok(right == symbols.len())
}

/// Returns the distance by which KASLR moved the kernel.
fn distance(table: &[HostRow], symbols: &[KallsymsLine<'_>]) -> Result<u64> {
    let linked = table.iter().find(|row| row.name == "_text");
    let running = symbols.iter().find(|symbol| symbol.name == "_text");
    let linked = address(linked.context("the host's table has no _text")?)?;
    let running = running.context("/proc/kallsyms has no _text")?.address;
    Ok(running.wrapping_sub(linked))
}

fn address(row: &HostRow) -> Result<u64> {
    let digits = row.address.strip_prefix("0x").unwrap_or(&row.address);
    u64::from_str_radix(digits, 16).with_context(|| format!("not an address: {}", row.address))
}
