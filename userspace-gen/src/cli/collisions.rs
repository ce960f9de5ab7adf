// SPDX-License-Identifier: GPL-2.0 OR MIT

//! `klp-gen collisions`

use super::options::format::{Format, FormatArg};
use super::ui::{Console, Look, Verdict};
use anyhow::Result;
use klp_gen::bitcode::{FatObjects, LinkInputs, Llvm};
use klp_gen::collisions::{find, reserve, Collision, Effect, InputPlace, LinkerScript};
use klp_gen::file::expect_no_input;
use klp_gen::printable::shown;
use serde::Serialize;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::PathBuf;

/// Find assembler and linker-script symbols that a promoted static would collide with
///
/// With LLVM 23's -always-rename-promoted-locals=false, ThinLTO promotes a static under its own name if no
/// other bitcode has that name. Symbols of assembler and linker scripts do not count. INPUTs are the inputs
/// of the link: objects, bitcode, and archives of both, also thin ones. Bitcode is read by llvm-nm and
/// llvm-dis of the LLVM that made the bitcode, or of a later LLVM.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  # in a build directory: the inputs of vmlinux.o, and the script of the link of vmlinux
  $ klp-gen collisions --llvm=-22 --linker-script arch/x86/kernel/vmlinux.lds vmlinux.a lib/lib.a
  # the same, and an object that prevents the collisions
  $ klp-gen collisions --llvm=-22 --reserve reserved.o vmlinux.a -- clang-22 -flto=thin -O2

Exit status: 0 no collisions, or only harmless and reserved ones, 1 other collisions, 2 could not run.")]
pub struct Args {
    /// The inputs of the link
    #[arg(required = true, value_name = "INPUT")]
    inputs: Vec<PathBuf>,

    /// A preprocessed linker script, such as vmlinux.lds of the link after ld -r; may be given several times
    #[arg(long = "linker-script", value_name = "FILE")]
    linker_scripts: Vec<PathBuf>,

    /// A symbol that the linker defines, as its option --defsym; may be given several times
    #[arg(long = "defsym", value_name = "NAME=EXPRESSION")]
    defsyms: Vec<String>,

    /// Use the bitcode of objects that have code as well (clang -ffat-lto-objects), as the linker does with
    /// this option
    #[arg(long)]
    fat_lto_objects: bool,

    /// The place of LLVM's tools, in the form of kbuild's LLVM=: a suffix (-22), a directory (with /), or 1
    /// for tools in PATH that are new enough
    #[arg(
        long,
        value_name = "LLVM",
        default_value = "1",
        allow_hyphen_values = true
    )]
    llvm: String,

    /// Write a bitcode object that reserves the colliding names, to be linked last; the compiler and its
    /// flags are behind --
    #[arg(long, value_name = "OUT.o", requires = "compiler")]
    reserve: Option<PathBuf>,

    /// The kernel's compiler with the flags of its objects, for --reserve
    #[arg(last = true, value_name = "CC", requires = "reserve")]
    compiler: Vec<OsString>,

    #[command(flatten)]
    format: FormatArg,
}

/// A collision. The fields are an interface.
#[derive(Debug, Serialize)]
struct Row<'c> {
    name: String,
    kind: &'static str,
    effect: &'static str,
    statics: Vec<StaticRow<'c>>,
    others: Vec<PlaceRow<'c>>,
    references: Vec<PlaceRow<'c>>,
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

impl Args {
    /// Returns the linker scripts, and the symbols of --defsym.
    fn scripts(&self) -> klp_gen::Result<Vec<LinkerScript>> {
        let mut scripts = Vec::new();
        for path in &self.linker_scripts {
            scripts.extend(LinkerScript::open(path)?);
        }
        for option in &self.defsyms {
            scripts.push(LinkerScript::defsym(option)?);
        }
        Ok(scripts)
    }
}

fn say_what_was_read(inputs: &LinkInputs, console: &Console) {
    let (bitcode, elf) = (inputs.bitcode().len(), inputs.elf().len());
    console.detail(&format_args!("{bitcode} bitcode files, {elf} ELF objects"));
    if let [first, rest @ ..] = inputs.unused_bitcode() {
        let more = match rest.len() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        console.warning(&format_args!(
            "{first}{more}: has code and bitcode; the linker uses the code (give --fat-lto-objects \
            here if the link has that option)"
        ));
    }
    if bitcode == 0 {
        let what =
            "no input is bitcode, so that nothing is promoted and nothing collides (give the \
            inputs of a ThinLTO link, not its output)";
        console.warning(&what);
    }
}

/// Runs the command.
pub fn run(args: &Args, console: &Console) -> Result<Verdict> {
    if let Some(path) = &args.reserve {
        let read = args.inputs.iter().chain(&args.linker_scripts);
        expect_no_input(path, read.map(PathBuf::as_path))?;
    }
    let fat = if args.fat_lto_objects {
        FatObjects::Bitcode
    } else {
        FatObjects::Code
    };
    let inputs = LinkInputs::open(&args.inputs, fat)?;
    let scripts = args.scripts()?;
    let tools = Llvm::new(&args.llvm).tools(inputs.bitcode())?;
    let collisions = find(&inputs, &scripts, &tools)?;
    say_what_was_read(&inputs, console);

    let reserved = |c: &Collision| args.reserve.is_some() && c.kind.is_curable();
    if let Some(path) = &args.reserve {
        let names = collisions.iter().filter(|c| reserved(c));
        let names: BTreeSet<_> = names.map(|c| c.name.as_slice()).collect();
        reserve::reserve(path, &args.compiler, names.into_iter())?;
    }
    let open = |c: &Collision| c.effect() != Effect::Harmless && !reserved(c);
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
        let (name, advice) = (shown_name(collision), collision.advice());
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
        collision.effect().as_str()
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
    let mut text = format!("{statics}; {} in {others}", collision.kind.as_str());
    if !collision.references.is_empty() {
        let references: Vec<_> = collision.references.iter().map(place).collect();
        // Writing to a string does not fail.
        let _ = write!(text, ", referenced in {}", references.join(", "));
    }
    text
}

fn place(place: &InputPlace) -> String {
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
        references: collision.references.iter().map(place_row).collect(),
    }
}

fn place_row(place: &InputPlace) -> PlaceRow<'_> {
    PlaceRow {
        input: &place.origin,
        source: place.source.as_deref(),
        line: place.line,
    }
}
