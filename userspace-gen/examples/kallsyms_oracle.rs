// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Compares the table that klp-gen computes from vmlinux's symbol table with the one that the
//! kernel's build put into the same vmlinux, line by line.
//!
//! `cargo run --release --example kallsyms_oracle -- VMLINUX` prints `N of N` and exits 0, or prints
//! the first differences and exits 1.

use klp_gen::elf::ElfInput;
use klp_gen::kallsyms::{embedded, vmlinux};
use std::path::Path;
use std::process::ExitCode;

/// Differences that are printed.
const SHOWN: usize = 10;

fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let path = std::env::args_os().nth(1).ok_or("expected a vmlinux")?;
    let input = ElfInput::open(Path::new(&path))?;
    let elf = input.parse()?;
    let table = vmlinux::read(&elf)?;
    let witness = embedded::unpack(&elf)?;
    let computed = table.entries();
    let mut equal = 0;
    for at in 0..computed.len().max(witness.len()) {
        let ours = computed
            .get(at)
            .map(|e| (e.address, e.letter, e.name.as_bytes()));
        let theirs = witness.get(at).map(|s| (s.address, s.letter, &s.name[..]));
        if ours == theirs {
            equal += 1;
        } else if at - equal < SHOWN {
            let line = |entry: Option<(u64, u8, &[u8])>| match entry {
                Some((address, letter, name)) => format!(
                    "{address:016x} {} {}",
                    char::from(letter),
                    String::from_utf8_lossy(name)
                ),
                None => "nothing".to_owned(),
            };
            println!(
                "line {}: expected {}, found {}",
                at + 1,
                line(theirs),
                line(ours)
            );
        }
    }
    println!("{equal} of {}", witness.len());
    Ok(
        if equal == witness.len() && computed.len() == witness.len() {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        },
    )
}
