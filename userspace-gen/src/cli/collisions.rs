// SPDX-License-Identifier: GPL-2.0 OR MIT

//! `klp-gen collisions`

use super::console::Console;
use super::output::{Format, FormatArg};
use super::page::Look;
use super::Verdict;
use anyhow::Result;
use klp_gen::collisions::{find, reserve, Collision, Effect, Inputs, LinkerScript, Llvm, Place};
use klp_gen::output::expect_no_input;
use klp_gen::shown::shown;
use serde::Serialize;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::PathBuf;

/// Find assembler and linker-script symbols that a promoted static would collide with
///
/// With LLVM 23's -always-rename-promoted-locals=false, ThinLTO promotes a static under its own name if
/// no other bitcode has that name. It does not see assembler and linker scripts. INPUTs are those of
/// the link: objects, bitcode, archives of both, thin ones too.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  # in a build directory, what is linked into vmlinux.o, and the script of the link behind it
  $ klp-gen collisions --llvm=-22 --linker-script arch/x86/kernel/vmlinux.lds vmlinux.a lib/lib.a
  # the same, and an object that keeps both sides apart
  $ klp-gen collisions --llvm=-22 --reserve reserved.o vmlinux.a -- clang-22 -flto=thin -O2

Exit status: 0 none, or only harmless and reserved ones, 1 some, 2 could not run.")]
pub struct Args {
    /// What is linked
    #[arg(required = true, value_name = "INPUT")]
    inputs: Vec<PathBuf>,

    /// A preprocessed linker script of the link or of a later one; may be given several times
    #[arg(long = "linker-script", value_name = "FILE")]
    linker_scripts: Vec<PathBuf>,

    /// Where LLVM's tools are, as kbuild's LLVM= says it: 1, a suffix (-22), or a directory (with /)
    #[arg(
        long,
        value_name = "LLVM",
        default_value = "1",
        allow_hyphen_values = true
    )]
    llvm: String,

    /// Write a bitcode object that reserves the names that need it, to be linked last; made by the
    /// compiler and flags behind --
    #[arg(long, value_name = "OUT.o", requires = "compiler")]
    reserve: Option<PathBuf>,

    /// The kernel's compiler with the flags of its objects, for --reserve
    #[arg(last = true, value_name = "CC", requires = "reserve")]
    compiler: Vec<OsString>,

    #[command(flatten)]
    format: FormatArg,
}

/// One collision; the fields are an interface.
#[derive(Debug, Serialize)]
struct Row<'c> {
    name: String,
    kind: &'static str,
    effect: &'static str,
    statics: Vec<StaticRow<'c>>,
    others: Vec<PlaceRow<'c>>,
}

#[derive(Debug, Serialize)]
struct StaticRow<'c> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(flatten)]
    place: PlaceRow<'c>,
}

#[derive(Debug, Serialize)]
struct PlaceRow<'c> {
    input: &'c str,
    source: Option<&'c str>,
    line: Option<usize>,
}

/// Runs the command.
pub fn run(args: &Args, console: &Console) -> Result<Verdict> {
    if let Some(path) = &args.reserve {
        let read = args.inputs.iter().chain(&args.linker_scripts);
        expect_no_input(path, read.map(PathBuf::as_path))?;
    }
    let inputs = Inputs::open(&args.inputs)?;
    let scripts = args
        .linker_scripts
        .iter()
        .map(|path| LinkerScript::open(path));
    let scripts = scripts.collect::<klp_gen::Result<Vec<_>>>()?;
    let collisions = find(&inputs, &scripts, &Llvm::new(&args.llvm))?;
    let (bitcode, elf) = (inputs.bitcode().len(), inputs.elf().len());
    console.detail(&format_args!("{bitcode} bitcode files, {elf} ELF objects"));
    if bitcode == 0 {
        let what =
            "no input is bitcode: nothing is promoted, and so nothing collides (expected the \
                    inputs of a ThinLTO link, not its output)";
        console.warning(&what);
    }

    let reserved = |c: &Collision| args.reserve.is_some() && c.kind.is_curable();
    if let Some(path) = &args.reserve {
        let names = collisions.iter().filter(|c| reserved(c));
        let names: BTreeSet<_> = names.map(|c| c.name.as_slice()).collect();
        reserve::reserve(path, &args.compiler, names.into_iter())?;
    }
    let open = |c: &Collision| c.kind.effect() != Effect::Harmless && !reserved(c);
    let shown = collisions.iter();
    let mut shown = shown.filter(|c| !console.is_quiet() || open(c));
    match args.format.format {
        Format::Json => console.json(shown.map(|c| row(c, reserved(c))))?,
        Format::Table => console.table(|page| {
            shown.try_for_each(|collision| {
                let name = page.paint(Look::Heading, shown_name(collision));
                let kind = collision.kind.as_str();
                let effect = effect(collision, reserved(collision));
                let look = if open(collision) {
                    Look::Bad
                } else {
                    Look::Good
                };
                let (effect, sides) = (page.paint(look, effect), sides(collision));
                page.line(4, format_args!("{name} {kind} {effect}: {sides}"))
            })
        })?,
    }
    for collision in collisions.iter().filter(|c| open(c)) {
        let (name, advice) = (shown_name(collision), collision.kind.advice());
        console.error(&format_args!("{name}: {advice}"));
    }
    Ok(if collisions.iter().any(open) {
        Verdict::No
    } else {
        Verdict::Yes
    })
}

fn shown_name(collision: &Collision) -> String {
    shown(&collision.name)
}

fn effect(collision: &Collision, reserved: bool) -> &'static str {
    if reserved {
        "reserved"
    } else {
        collision.kind.effect().as_str()
    }
}

/// `static function in a.c (a.o); strong in b.o`
fn sides(collision: &Collision) -> String {
    let statics = collision.statics.iter().map(|s| {
        let what = if s.function { "function" } else { "variable" };
        format!("static {what} in {}", place(&s.place))
    });
    let statics: Vec<_> = statics.collect();
    let others: Vec<_> = collision.others.iter().map(place).collect();
    let (statics, others) = (statics.join(", "), others.join(", "));
    format!("{statics}; {} in {others}", collision.kind.as_str())
}

fn place(place: &Place) -> String {
    match (&place.source, place.line) {
        (Some(source), _) => format!("{source} ({})", place.origin),
        (None, Some(line)) => format!("{}:{line}", place.origin),
        (None, None) => place.origin.clone(),
    }
}

fn row(collision: &Collision, reserved: bool) -> Row<'_> {
    Row {
        name: shown_name(collision),
        kind: collision.kind.as_str(),
        effect: effect(collision, reserved),
        statics: collision
            .statics
            .iter()
            .map(|s| StaticRow {
                kind: if s.function { "function" } else { "variable" },
                place: place_row(&s.place),
            })
            .collect(),
        others: collision.others.iter().map(place_row).collect(),
    }
}

fn place_row(place: &Place) -> PlaceRow<'_> {
    PlaceRow {
        input: &place.origin,
        source: place.source.as_deref(),
        line: place.line,
    }
}
