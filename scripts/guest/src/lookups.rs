// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Has the kernel time its symbol lookups, with `klp_sympos` and without.

use std::{
    collections::HashMap,
    fs,
    process::Command, //
};

use anyhow::{
    ensure,
    Context,
    Result, //
};
use klp_policy::cleanup_symbol_name;

use crate::kallsyms::{
    KallsymsLine,
    VMLINUX, //
};

/// The parameter of the module `klp_lookups`.
const MEASURE: &str = "/sys/module/klp_lookups/parameters/measure";

/// The number of names that stand for all of their kind: the cost depends on where in the table a name lies.
const SAMPLE: usize = 64;

/// Time symbol lookups with `klp_sympos` loaded and not loaded in turn; `klp_lookups` must be loaded.
///
/// A line has the round, `stock` or `klp_sympos`, what was looked up, the way in which, the nanoseconds of
/// one lookup, and the allocations of all of them.
#[derive(clap::Args)]
pub struct Args {
    /// The number of times to load the module.
    #[arg(long)]
    rounds: u32,
    /// The number of times in a row to look a name up.
    #[arg(long)]
    calls: u32,
}

/// Bytes of the longest name that is looked up: what the kernel takes less the NUL and a byte.
const MAX_NAME: usize = 510;

/// The largest number of functions that are looked up in one call.
const LIST: u32 = 20_000;

/// When something can be looked up.
#[derive(Clone, Copy, PartialEq, Eq)]
enum When {
    Always,
    /// With the module loaded.
    Loaded,
    /// With the module loaded, which then stays: livepatch got an answer that only it gives.
    Last,
}

/// A group of lookups: how, when, and of which names.
struct LookupCase<'a> {
    what: &'static str,
    way: &'static str,
    when: When,
    names: &'a [Name],
}

/// A name to look up.
struct Name {
    text: String,
    sympos: usize,
    /// The address that it leads to; 0 is nowhere, and none is anywhere.
    address: Option<u64>,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<bool> {
    let text = fs::read_to_string("/proc/kallsyms").context("cannot read /proc/kallsyms")?;
    let names = NamesByKind::choose(&text)?;
    let cases = names.cases();
    for round in 0..args.rounds {
        if round > 0 {
            execute("rmmod")?;
        }
        for case in cases.iter().filter(|c| c.when == When::Always) {
            case.measure(args, round, "stock")?;
        }
        execute("modprobe")?;
        for case in cases.iter().filter(|c| c.when != When::Last) {
            case.measure(args, round, "klp_sympos")?;
        }
    }
    for round in args.rounds..2 * args.rounds {
        for case in cases.iter().filter(|c| c.when != When::Loaded) {
            case.measure(args, round, "klp_sympos")?;
        }
    }
    Ok(true)
}

/// The names, by kind.
struct NamesByKind {
    unique: Vec<Name>,
    /// By their full names.
    promoted: Vec<Name>,
    /// The same symbols by their names in the source.
    cleaned: Vec<Name>,
    /// Functions by their names in the source; of all promoted symbols many are string literals.
    functions: Vec<Name>,
    /// The same symbols, with an ending that lets any suffix match.
    any: Vec<Name>,
    /// The first and the last symbol of the name that most symbols have.
    first: Vec<Name>,
    last: Vec<Name>,
    /// The last again, counted among promoted ones, too.
    last_any: Vec<Name>,
    missing: Vec<Name>,
    /// A name of nothing but dots, and one that begins as a promoted one does.
    dots: Vec<Name>,
    /// All functions that ftrace can trace, in one call.
    list: Vec<Name>,
}

impl NamesByKind {
    fn choose(text: &str) -> Result<Self> {
        let symbols: Vec<_> = text
            .lines()
            .map(KallsymsLine::parse)
            .collect::<Result<_>>()?;
        let (mut full, mut clean) = (HashMap::new(), HashMap::new());
        for symbol in &symbols {
            *full.entry(symbol.name).or_insert(0) += 1;
            *clean.entry(cleaned(symbol)).or_insert(0) += 1;
        }
        // Livepatch takes address 0 for "not found", and logs it.
        let alone = |s: &&KallsymsLine<'_>| {
            s.object == VMLINUX && s.address != 0 && clean[&cleaned(s)] == 1
        };
        let is_promoted = |s: &&KallsymsLine<'_>| cleaned(s) != s.name;
        let unique: Vec<_> = symbols.iter().filter(alone).collect();
        let promoted: Vec<_> = unique.iter().copied().filter(|s| is_promoted(s)).collect();
        let is_text = |s: &&KallsymsLine<'_>| s.kind.eq_ignore_ascii_case(&'t');
        let functions: Vec<_> = promoted.iter().copied().filter(|s| is_text(s)).collect();
        let name = |text: String, sympos, s: &KallsymsLine<'_>| Name {
            text,
            sympos,
            address: Some(s.address),
        };
        let nowhere = |text: String, address| Name {
            text,
            sympos: 0,
            address,
        };
        let each = |symbols: &[&KallsymsLine<'_>], text: &dyn Fn(&KallsymsLine<'_>) -> String| {
            let step = (symbols.len() / SAMPLE).max(1);
            let symbols = symbols.iter().step_by(step).take(SAMPLE);
            symbols.map(|s| name(text(s), 0, s)).collect::<Vec<_>>()
        };

        let in_vmlinux = || symbols.iter().filter(|s| s.object == VMLINUX);
        let most = in_vmlinux().max_by_key(|s| (full[s.name], s.name));
        let most = most.context("/proc/kallsyms has no symbols of vmlinux")?;
        let twins: Vec<_> = in_vmlinux().filter(|s| s.name == most.name).collect();
        let of_clean: Vec<_> = in_vmlinux().filter(|s| cleaned(s) == most.name).collect();
        let one = |text: &str, of: &[&KallsymsLine<'_>], at: usize| {
            vec![name(text.to_owned(), at + 1, of[at])]
        };
        let missing = ["no_such_symbol", "a_name_that_nothing_has", "zzz"];
        Ok(Self {
            unique: each(&unique, &|s| s.name.to_owned()),
            promoted: each(&promoted, &|s| s.name.to_owned()),
            cleaned: each(&promoted, &|s| cleaned(s)),
            functions: each(&functions, &|s| cleaned(s)),
            any: each(&promoted, &|s| cleaned(s) + ".llvm.*"),
            first: one(most.name, &twins, 0),
            last: one(most.name, &twins, twins.len() - 1),
            last_any: one(
                &format!("{}.llvm.*", most.name),
                &of_clean,
                of_clean.len() - 1,
            ),
            missing: missing.map(|text| nowhere(text.to_owned(), Some(0))).into(),
            dots: vec![
                nowhere(".".repeat(MAX_NAME), Some(0)),
                nowhere(format!("{:.<MAX_NAME$}", cleaned(promoted[0])), Some(0)),
                nowhere("a.".repeat(MAX_NAME / 2), Some(0)),
            ],
            list: vec![nowhere(LIST.to_string(), None)],
        })
    }

    fn cases(&self) -> Vec<LookupCase<'_>> {
        use When::{
            Always,
            Last,
            Loaded, //
        };
        [
            ("unique", "unpatched", Always, &self.unique),
            ("unique", "livepatch", Always, &self.unique),
            ("unique", "kallsyms", Always, &self.unique),
            ("promoted", "unpatched", Always, &self.promoted),
            ("promoted", "livepatch", Always, &self.promoted),
            ("promoted", "kallsyms", Always, &self.promoted),
            ("cleaned", "kallsyms", Loaded, &self.cleaned),
            ("functions", "kallsyms", Loaded, &self.functions),
            ("cleaned", "livepatch", Last, &self.cleaned),
            ("any", "livepatch", Last, &self.any),
            ("first", "unpatched", Always, &self.first),
            ("first", "livepatch", Always, &self.first),
            ("last", "unpatched", Always, &self.last),
            ("last", "livepatch", Always, &self.last),
            ("last-any", "livepatch", Last, &self.last_any),
            ("missing", "kallsyms", Always, &self.missing),
            ("dots", "kallsyms", Always, &self.dots),
            ("functions", "list", Always, &self.list),
            ("functions", "list-source", Loaded, &self.list),
        ]
        .map(|(what, way, when, names)| LookupCase {
            what,
            way,
            when,
            names,
        })
        .into()
    }
}

fn cleaned(symbol: &KallsymsLine<'_>) -> String {
    cleanup_symbol_name(symbol.name.as_bytes()).to_string()
}

impl LookupCase<'_> {
    /// Looks all names up and prints a line.
    fn measure(&self, args: &Args, round: u32, kernel: &str) -> Result<()> {
        let (mut nanoseconds, mut allocations) = (0, 0);
        for name in self.names {
            let question = format!("{} {} {} {}", self.way, name.sympos, args.calls, name.text);
            fs::write(MEASURE, &question)
                .with_context(|| format!("cannot write {question:?} to {MEASURE}"))?;
            let answer = fs::read_to_string(MEASURE)?;
            let mut words = answer.split_whitespace();
            let mut number = |radix| u64::from_str_radix(words.next().unwrap_or_default(), radix);
            nanoseconds += number(10)?;
            allocations += number(10)?;
            let found = number(16)?;
            match name.address {
                Some(address) => ensure!(
                    found == address,
                    "{question:?}: expected {address:x}, found {found:x}"
                ),
                None => ensure!(found != 0, "{question:?}: nothing was found"),
            }
        }
        let lookups = u64::from(args.calls) * self.names.len() as u64;
        let Self { what, way, .. } = self;
        let each = nanoseconds.checked_div(lookups);
        let each = each.with_context(|| format!("this kernel has no names for {what:?}"))?;
        println!("{round} {kernel} {what} {way} {each} {allocations}");
        Ok(())
    }
}

/// Runs modprobe or rmmod.
fn execute(program: &str) -> Result<()> {
    let status = Command::new(program).arg("klp_sympos").status()?;
    ensure!(status.success(), "{program} klp_sympos ended with {status}");
    Ok(())
}
