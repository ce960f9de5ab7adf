// SPDX-License-Identifier: GPL-2.0 OR MIT

//! An index as `llvm-bcanalyzer --dump` prints it: record by record, also where the linker that wrote it is newer than
//! LLVM's other tools.

use super::Index;
use std::collections::HashMap;
use std::fmt::Write as _;

/// The numbers of a summary in front of those that stand for other symbols
/// (`IndexBitcodeWriter::writeCombinedGlobalValueSummary()` of LLVM). With another number of them, symbols that are
/// numbered anew would be a difference, and a file compiled again in vain.
const VARIABLE: (&str, usize) = ("COMBINED_GLOBALVAR_INIT_REFS", 4);
const ALIAS: (&str, usize) = ("COMBINED_ALIAS", 3);
const FUNCTION: (&str, usize) = ("COMBINED_PROFILE", 9);

/// The place of the number of references of a function. Behind these are pairs of a callee and how hot the call is.
const REFERENCES: usize = 6;

/// A record: its name, and the numbers in it.
struct Record<'t> {
    name: &'t str,
    numbers: Vec<u64>,
}

impl<'t> Record<'t> {
    /// Reads a line such as `<HASH abbrevid=7 op0=1 op1=2/>`.
    fn read(line: &'t str) -> Option<Self> {
        let inside = line.trim_start().strip_prefix('<')?;
        // What is behind that is the same as text.
        let (inside, _) = inside.split_once("/>")?;
        let mut words = inside.split(' ');
        let name = words.next()?;
        let numbers = words.filter(|word| word.starts_with("op"));
        let numbers = numbers.filter_map(|word| word.split_once('=')?.1.parse().ok());
        Some(Self {
            name,
            numbers: numbers.collect(),
        })
    }
}

impl Index {
    /// Reads what `llvm-bcanalyzer --dump` prints; `rename` gives each file the name that it has in both versions.
    #[must_use]
    pub fn from_dump(text: &[u8], rename: impl Fn(&str) -> String) -> Self {
        let text = String::from_utf8_lossy(text);
        let mut index = Self::default();
        let mut files: HashMap<u64, String> = HashMap::new();
        let mut guids: HashMap<u64, u64> = HashMap::new();
        let mut summaries = Vec::new();
        for record in text.lines().filter_map(Record::read) {
            match (record.name, &record.numbers[..]) {
                ("ENTRY", [number, path @ ..]) => {
                    let path = path.iter().filter_map(|&c| u8::try_from(c).ok());
                    let path: Vec<_> = path.collect();
                    files.insert(*number, rename(&String::from_utf8_lossy(&path)));
                }
                // Until LLVM 22 a GUID is one number, from LLVM 23 on it is two halves.
                ("VALUE_GUID", &[number, guid]) => {
                    guids.insert(number, guid);
                }
                ("VALUE_GUID", &[number, high, low]) => {
                    guids.insert(number, high << 32 | low);
                }
                ("HASH" | "BLOCK_COUNT" | "BLOB", _) => (),
                (name, _) if name.starts_with("COMBINED_") => summaries.push(record),
                (name, numbers) => index.rest.push(format!("{name} {numbers:?}")),
            }
        }
        for Record { name, numbers } in summaries {
            let [number, file, rest @ ..] = &numbers[..] else {
                continue;
            };
            let guid = guids.get(number).copied().unwrap_or(*number);
            let symbol = index.symbols.entry(guid).or_default();
            symbol.file = files.get(file).cloned();
            // Writing to a string does not fail.
            let _ = write!(
                symbol.summary,
                "{name} {}",
                symbol.file.as_deref().unwrap_or_default()
            );
            for (at, number) in (2..).zip(rest) {
                let meant = if is_symbol(name, &numbers, at) {
                    guids.get(number).unwrap_or(number)
                } else {
                    number
                };
                let _ = write!(symbol.summary, " {meant}");
            }
        }
        index
    }
}

/// Says whether the number at a place of a summary stands for a symbol.
fn is_symbol(name: &str, numbers: &[u64], at: usize) -> bool {
    match name {
        _ if name == VARIABLE.0 => at >= VARIABLE.1,
        _ if name == ALIAS.0 => at >= ALIAS.1,
        _ if name == FUNCTION.0 => {
            let references = numbers.get(REFERENCES).copied().unwrap_or_default();
            let references = usize::try_from(references).unwrap_or(usize::MAX);
            let calls = FUNCTION.1.saturating_add(references);
            at >= FUNCTION.1 && (at < calls || (at - calls) % 2 == 0)
        }
        _ => false,
    }
}
