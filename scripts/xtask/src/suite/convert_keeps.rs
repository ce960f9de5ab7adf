// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Checks that `klp-gen convert` keeps everything that it does not have to change: sections with their flags,
//! alignment and bytes (ORC, alternatives, BTF, notes), groups, symbols, relocations.
//!
//! readelf looks at both files, and the bytes are compared at the offsets that it prints: klp-gen's
//! own reader is not asked.

use crate::host::{history, klp_gen, run};
use crate::report::progress::{self, Step};
use crate::report::tally::Tally;
use anyhow::{Context, Result};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The title of the step.
const TITLE: &str = "convert modules and compare them";
/// Fewer modules than that are no sign that anything is preserved.
const LEAST_MODULES: usize = 12;
/// Sections of which the bytes change, and how it is seen that they did so for a reason.
const CHANGED: [&str; 4] = [".symtab", ".strtab", ".shstrtab", ".modinfo"];
/// Symbol indexes for the linker, which would be wrong ones.
const DROPPED: &str = ".llvm_addrsig";

/// Converts every module of the kernel's build and of the builds beside it, and compares.
///
/// # Errors
///
/// Fails if modules cannot be listed or tools do not run.
pub fn check(build: &Path, tally: &mut Tally, logs: &Path) -> Result<()> {
    let dir = logs.join("preserved");
    fs::create_dir_all(&dir).with_context(|| format!("cannot create {}", dir.display()))?;
    let mut modules = Vec::new();
    find_modules(build, &mut modules)?;
    find_modules(&build.with_file_name("external"), &mut modules)?;
    modules.sort();
    let mut compared = 0;
    let mut step = Step::begin(TITLE, "modules", history::last(TITLE)).of(modules.len());
    for (number, module) in modules.iter().enumerate() {
        step.update(Some(number), "");
        let converted = dir.join(format!("{number}.ko"));
        let mut convert = klp_gen::command();
        convert
            .args(["convert", "--quiet", "--vmlinux"])
            .arg(build.join("vmlinux"))
            .arg("--symvers")
            .arg(build.join("Module.symvers"))
            .arg("--output")
            .args([&converted, module]);
        let output = convert.output().context("cannot run klp-gen")?;
        // That a livepatch is refused is what other tests are about.
        if !output.status.success() {
            continue;
        }
        compared += 1;
        match differences(&File::read(module)?, &File::read(&converted)?)[..] {
            [] => tally.pass(),
            ref found => tally.fail(
                format!("klp-gen convert preserves {}", module.display()),
                found.join("\n"),
            ),
        }
    }
    history::keep(TITLE, step.end(Some(modules.len())));
    progress::note(&format!("{compared} of these can be converted"));
    if compared < LEAST_MODULES {
        let reason = format!("{compared} modules converted, expected were {LEAST_MODULES} or more");
        tally.fail("klp-gen convert preserves modules".to_owned(), reason);
    }
    Ok(())
}

fn find_modules(dir: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    let entries = fs::read_dir(dir).with_context(|| format!("cannot read {}", dir.display()))?;
    for entry in entries {
        let entry = entry?;
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            find_modules(&path, found)?;
        } else if path.extension().is_some_and(|extension| extension == "ko") {
            found.push(path);
        }
    }
    Ok(())
}

/// A section, its numbers as names.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Section {
    name: String,
    kind: String,
    address: String,
    entsize: String,
    flags: String,
    align: String,
    link: usize,
    info: usize,
    bytes: Vec<u8>,
}

/// A symbol; what it is defined in is a section's number, or a word.
#[derive(Clone, Debug, PartialEq, Eq)]
struct ElfSymbol {
    value: String,
    size: String,
    kind: String,
    visibility: String,
    place: String,
    name: String,
}

/// A relocation: the section that it is in, place, type, symbol's number, addend.
type Relocation = (usize, String, String, usize, String);

/// A module as readelf shows it.
#[derive(Clone, Debug, Default)]
struct File {
    sections: Vec<Section>,
    symbols: Vec<ElfSymbol>,
    relocations: Vec<Relocation>,
    notes: String,
}

impl File {
    fn read(path: &Path) -> Result<Self> {
        let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        let readelf = |option: &str| {
            let mut readelf = Command::new("readelf");
            readelf.env("LC_ALL", "C").args([option, "-W"]).arg(path);
            run::captured(&mut readelf)
        };
        let mut file = Self {
            sections: sections(&readelf("-S")?, &bytes),
            symbols: symbols(&readelf("-s")?),
            relocations: Vec::new(),
            notes: readelf("-n")?,
        };
        file.relocations = relocations(&readelf("-r")?, &file.sections);
        Ok(file)
    }
}

/// Lines `[ 1] .text PROGBITS 0000000000000000 000040 0000a0 00 AX 0 0 16`; flags may be missing.
fn sections(text: &str, bytes: &[u8]) -> Vec<Section> {
    let hex = |word: &str| usize::from_str_radix(word, 16).unwrap_or(usize::MAX);
    let mut sections = Vec::new();
    for line in text.lines() {
        let Some((number, rest)) = line
            .trim_start()
            .strip_prefix('[')
            .and_then(|line| line.split_once(']'))
        else {
            continue;
        };
        if number.trim().parse() != Ok(sections.len()) {
            continue;
        }
        let mut words: Vec<_> = rest.split_whitespace().collect();
        // The null section has no name.
        if sections.is_empty() {
            words.insert(0, "");
        }
        if words.len() == 9 {
            words.insert(6, "");
        }
        let [name, kind, address, offset, size, entsize, flags, link, info, align] = words[..]
        else {
            continue;
        };
        let start = hex(offset);
        let end = start.saturating_add(hex(size));
        sections.push(Section {
            name: name.to_owned(),
            kind: kind.to_owned(),
            address: address.to_owned(),
            entsize: entsize.to_owned(),
            flags: flags.to_owned(),
            align: align.to_owned(),
            link: link.parse().unwrap_or(usize::MAX),
            info: info.parse().unwrap_or(usize::MAX),
            bytes: match kind {
                "NOBITS" => size.as_bytes().to_vec(),
                _ => bytes.get(start..end).unwrap_or_default().to_vec(),
            },
        });
    }
    sections
}

/// Lines `5: 0000000000000000 120 FUNC GLOBAL DEFAULT 3 name`; a binding becomes global.
fn symbols(text: &str) -> Vec<ElfSymbol> {
    let mut symbols = Vec::new();
    for line in text.lines() {
        let line = line.replace("OS [0xff20]", "LIVEPATCH");
        let words: Vec<_> = line.split_whitespace().collect();
        let [number, value, size, kind, _bind, visibility, place, ref name @ ..] = words[..] else {
            continue;
        };
        if number.strip_suffix(':').and_then(|n| n.parse().ok()) != Some(symbols.len()) {
            continue;
        }
        symbols.push(ElfSymbol {
            value: value.to_owned(),
            size: size.to_owned(),
            kind: kind.to_owned(),
            visibility: visibility.to_owned(),
            place: place.to_owned(),
            name: name.join(" "),
        });
    }
    symbols
}

/// Lines `0000000000000008 0000000b00000004 R_X86_64_PLT32 0000000000000000 __fentry__ - 4`, below
/// a line `Relocation section '.rela.text' at offset 0x1234 contains 5 entries:`.
fn relocations(text: &str, sections: &[Section]) -> Vec<Relocation> {
    let mut relocations = Vec::new();
    let mut of = sections
        .iter()
        .enumerate()
        .filter(|(_, s)| s.kind == "RELA");
    let mut target = 0;
    for line in text.lines() {
        if line.starts_with("Relocation section '") {
            target = of.next().map_or(usize::MAX, |(_, section)| section.info);
            continue;
        }
        let words: Vec<_> = line.split_whitespace().collect();
        let [offset, info, kind, .., sign, addend] = words[..] else {
            continue;
        };
        let Some(symbol) = info
            .get(..8)
            .and_then(|n| usize::from_str_radix(n, 16).ok())
        else {
            continue;
        };
        let addend = format!("{sign}{addend}");
        relocations.push((target, offset.to_owned(), kind.to_owned(), symbol, addend));
    }
    relocations
}

/// Returns the changes without need, in words.
fn differences(before: &File, after: &File) -> Vec<String> {
    let mut found = Vec::new();
    let sections = pair_sections(before, after, &mut found);
    let symbols = pair_symbols(before, after, &sections, &mut found);
    for (&old, &new) in &sections {
        let (a, b) = (&before.sections[old], &after.sections[new]);
        let mut expected = a.clone();
        expected.link = *sections.get(&a.link).unwrap_or(&0);
        expected.info = match a.kind.as_str() {
            // How many symbols are local.
            "SYMTAB" => b.info,
            "GROUP" => *symbols.get(&a.info).unwrap_or(&usize::MAX),
            _ => *sections.get(&a.info).unwrap_or(&a.info),
        };
        let by_words = matches!(a.kind.as_str(), "RELA" | "GROUP");
        if by_words || CHANGED.contains(&a.name.as_str()) {
            expected.bytes.clone_from(&b.bytes);
        }
        if a.kind == "GROUP" && group(&a.bytes, &sections) != b.bytes {
            found.push(format!("section {}: other members", a.name));
        }
        if expected != *b {
            found.push(format!("section {}: changed", a.name));
        }
    }
    let modinfo = |file: &File| file.sections.iter().find(|s| s.name == ".modinfo").cloned();
    if let (Some(a), Some(b)) = (modinfo(before), modinfo(after)) {
        let has = |string: &&[u8]| b.bytes.split(|&b| b == 0).any(|s| s == *string);
        let lost = a.bytes.split(|&b| b == 0).find(|string| !has(string));
        if lost.is_some_and(|string| !string.starts_with(b"depends=")) {
            found.push("section .modinfo: a string is gone".to_owned());
        }
    }
    let mut expected: Vec<_> = before
        .relocations
        .iter()
        .map(|(target, offset, kind, symbol, addend)| {
            let target = sections.get(target).copied().unwrap_or(usize::MAX);
            let symbol = symbols.get(symbol).copied().unwrap_or(usize::MAX);
            (target, offset.clone(), kind.clone(), symbol, addend.clone())
        })
        .collect();
    let mut relocations = after.relocations.clone();
    expected.sort();
    relocations.sort();
    if expected != relocations {
        found.push(format!(
            "relocations: {} before, {} after, or others",
            expected.len(),
            relocations.len()
        ));
    }
    if before.notes != after.notes {
        found.push("notes: changed".to_owned());
    }
    found
}

/// Pairs each section with the one that it became. They keep their order.
fn pair_sections(before: &File, after: &File, found: &mut Vec<String>) -> BTreeMap<usize, usize> {
    let mut pairs = BTreeMap::new();
    let mut new = 0;
    for (old, a) in before.sections.iter().enumerate() {
        match after.sections.get(new) {
            Some(b) if (&b.name, &b.kind) == (&a.name, &a.kind) => {
                pairs.insert(old, new);
                new += 1;
            }
            // Of relocations that all moved to a livepatch section nothing is left.
            _ if a.name == DROPPED || a.kind == "RELA" => {}
            _ => found.push(format!("section {}: gone", a.name)),
        }
    }
    for b in &after.sections[new..] {
        if !b.name.starts_with(".klp.rela.") && b.name != ".modinfo" {
            found.push(format!("section {}: new", b.name));
        }
    }
    pairs
}

/// Pairs each symbol with the one that it became. They keep their order.
fn pair_symbols(
    before: &File,
    after: &File,
    sections: &BTreeMap<usize, usize>,
    found: &mut Vec<String>,
) -> BTreeMap<usize, usize> {
    let mut pairs = BTreeMap::new();
    let mut new = 0;
    for (old, a) in before.symbols.iter().enumerate() {
        let mut expected = a.clone();
        if let Ok(section) = a.place.parse() {
            match sections.get(&section) {
                Some(section) => expected.place = section.to_string(),
                // The symbol of a section that is gone.
                None => continue,
            }
        }
        match after.symbols.get(new) {
            Some(b) if b.place == "LIVEPATCH" && a.place == "UND" => {
                expected.place.clone_from(&b.place);
                if b.name.starts_with(".klp.sym.") {
                    expected.name.clone_from(&b.name);
                }
                if expected != *b {
                    found.push(format!("symbol {}: changed", a.name));
                }
            }
            Some(b) if *b == expected => {}
            _ => found.push(format!("symbol {}: changed or gone", a.name)),
        }
        pairs.insert(old, new);
        new += 1;
    }
    for b in after.symbols.iter().skip(new) {
        if b.name != "klp_sympos_v1" || b.place != "UND" {
            found.push(format!("symbol {}: new", b.name));
        }
    }
    pairs
}

/// The members of a group with their new numbers; the first word is its flags.
fn group(bytes: &[u8], sections: &BTreeMap<usize, usize>) -> Vec<u8> {
    let words = bytes.chunks_exact(4).enumerate().filter_map(|(at, word)| {
        let word = u32::from_le_bytes(word.try_into().ok()?);
        let new = sections.get(&usize::try_from(word).ok()?);
        match new {
            _ if at == 0 => Some(word),
            new => u32::try_from(*new?).ok(),
        }
    });
    words.flat_map(u32::to_le_bytes).collect()
}
