// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Damage to what the kernel compares: names, positions, and what a module says about itself.

use crate::module::Module;
use crate::names::Names;
use anyhow::Result;
use fastrand::Rng;
use klp_gen::elf::SHN_LIVEPATCH;
use object::LittleEndian as LE;

const PREFIXES: [&str; 6] = [
    ".klp.sym.",
    ".klp.sym",
    "klp.sym.",
    "",
    ".klp.rela.",
    ".klp.sym..",
];
const OBJECTS: [&str; 8] = [
    "vmlinux",
    "vmlinux",
    "klp_twins",
    "klp_twins",
    "klp-twins",
    "",
    "nobody",
    "vmlinux,",
];
const SUFFIXES: [&str; 9] = [
    "", "", "", ".llvm.*", ".llvm.1", ".llvm.", ".cold", "%s", " ",
];
const POSITIONS: [&str; 16] = [
    ",0",
    ",1",
    ",2",
    ",3",
    ",7",
    "",
    ",",
    ",x",
    ",-1",
    ", 1",
    ",01",
    ",1,2",
    ",18446744073709551615",
    ",18446744073709551616",
    ",4294967297",
    ",1 ",
];
const KEYS: [&str; 9] = [
    "livepatch",
    "vermagic",
    "name",
    "license",
    "import_ns",
    "depends",
    "retpoline",
    "intree",
    "staging",
];
const VALUES: [&str; 8] = [
    "",
    "Y",
    "N",
    "GPL",
    "GPL v2",
    "Proprietary",
    "KLP_SYMPOS",
    "x=y",
];

/// Changes a word or two, and says which and how.
///
/// # Errors
///
/// The base has none of them.
pub fn change(module: &mut Module, rng: &mut Rng, names: &Names) -> Result<String> {
    match rng.u8(..8) {
        0..=2 => symbol(module, rng, names),
        3 => Ok(section(module, rng)),
        4 | 5 => Ok(modinfo(module, rng)),
        _ => Ok(function(module, rng, names)),
    }
}

/// Gives a livepatch symbol, or if there is none any, another name.
fn symbol(module: &mut Module, rng: &mut Rng, names: &Names) -> Result<String> {
    let symbols = module.symbols()?;
    let wanted = |number: &usize| symbols[*number].st_shndx.get(LE).0 == SHN_LIVEPATCH;
    let found: Vec<_> = (0..symbols.len()).filter(wanted).collect();
    let number = match &found[..] {
        [] => rng.usize(..symbols.len()),
        some => some[rng.usize(..some.len())],
    };
    let prefix = if rng.u8(..8) == 0 {
        pick(rng, &PREFIXES)
    } else {
        ".klp.sym."
    };
    let (object, suffix) = (pick(rng, &OBJECTS), pick(rng, &SUFFIXES));
    let base = match rng.u8(..8) {
        0 => "a".repeat(rng.usize(505..=513)),
        1 => ["base", "twin", "init_module", "no_such", ""][rng.usize(..5)].to_owned(),
        _ => names.at(rng.usize(..)).to_owned(),
    };
    let position = pick(rng, &POSITIONS);
    let name = format!("{prefix}{object}.{base}{suffix}{position}");
    module.rename(number, name.as_bytes())?;
    Ok(format!("symbol {number} is {name}"))
}

/// Gives a section another name; one of livepatch relocations if there is one.
fn section(module: &mut Module, rng: &mut Rng) -> String {
    const NAMES: [&str; 12] = [
        ".klp.rela.vmlinux.text",
        ".klp.rela.klp_twins.text",
        ".klp.rela.klp_twins",
        ".klp.rela.",
        ".klp.rela",
        ".klp.rela..text",
        ".modinfo",
        ".init.text",
        ".data..percpu",
        "__versions",
        ".symtab",
        "",
    ];
    let count = module.section_count();
    let livepatch = (1..=count).find(|&n| module.part(n).name.starts_with(b".klp.rela."));
    let number = livepatch
        .filter(|_| rng.bool())
        .unwrap_or_else(|| rng.usize(1..=count));
    let name = pick(rng, &NAMES);
    let old = std::mem::replace(&mut module.part(number).name, name.into());
    format!("section {} is {name}", String::from_utf8_lossy(&old))
}

/// Changes a string of the modinfo: takes it away, doubles it, makes it another.
fn modinfo(module: &mut Module, rng: &mut Rng) -> String {
    let (key, value) = (pick(rng, &KEYS), pick(rng, &VALUES));
    let Ok(section) = module.section(".modinfo") else {
        return "no modinfo".to_owned();
    };
    let data = &mut module.part(section).data;
    let what = match rng.u8(..5) {
        0 => {
            let old = std::mem::take(data);
            let starts = |s: &&[u8]| !s.starts_with(key.as_bytes());
            *data = old
                .split(|&b| b == 0)
                .filter(starts)
                .collect::<Vec<_>>()
                .join(&0);
            format!("without {key}")
        }
        1 => {
            data.splice(..0, format!("{key}={value}\0").into_bytes());
            format!("first {key}={value}")
        }
        2 => {
            data.splice(..0, format!("{key}{value}\0").into_bytes());
            format!("first {key}{value}")
        }
        3 => {
            data.extend_from_slice(format!("{key}={value}").as_bytes());
            format!("last {key}={value}, without an end")
        }
        _ => {
            data.splice(..0, [0; 3]);
            "three NULs".to_owned()
        }
    };
    format!("modinfo: {what}")
}

/// Changes a function or an object; those that are patched must not be called.
fn function(module: &mut Module, rng: &mut Rng, names: &Names) -> String {
    let sympos = [0, 1, 1, 2, 3, 100, u64::MAX][rng.usize(..7)];
    let shown = names.ending(rng.usize(..), "_show").unwrap_or("event_show");
    let name = match rng.u8(..6) {
        0 => [
            "",
            "saved_command_line",
            "start_kernel",
            "do_syscall_64",
            "a/b",
            "no_such",
        ][rng.usize(..6)]
        .to_owned(),
        1 => format!("{shown}{}", pick(rng, &SUFFIXES)),
        2 => "a".repeat(rng.usize(510..=513)),
        _ => shown.to_owned(),
    };
    let object = pick(rng, &OBJECTS);
    let array = ["funcs", "twins_funcs"][rng.usize(..2)];
    let (what, result) = match rng.u8(..7) {
        0..=2 => (
            format!("{array}[0] is {name},{sympos}"),
            module.function_of(array, 0, &name, sympos),
        ),
        3 => (
            format!("object {object}"),
            module
                .object(0, object)
                .or_else(|_| module.object(1, object)),
        ),
        4 => ("no functions".to_owned(), module.no_functions(0)),
        5 => ("replace".to_owned(), module.replace()),
        _ => ("no new_func".to_owned(), module.no_new_func(0)),
    };
    // Not every base has it.
    match result {
        Ok(()) => what,
        Err(_) => "nothing".to_owned(),
    }
}

fn pick<'w>(rng: &mut Rng, words: &[&'w str]) -> &'w str {
    words[rng.usize(..words.len())]
}
