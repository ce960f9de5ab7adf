// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The lookups of the test kernel with `klp_sympos` against those without it.

use super::report::{NumberForm, Ratios, Samples};
use crate::guest;
use crate::guest::vm::Vm;
use crate::host::{klp_gen, paths};
use crate::kernel::build::external;
use crate::kernel::Kernel;
use crate::suite::guest_files;
use anyhow::{bail, ensure, Context, Result};
use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The number of times in a row that a name is looked up.
const CALLS: u32 = 4;

const LIMIT: Duration = Duration::from_secs(900);

/// One kind of lookup: the kernel (`stock` is without `klp_sympos`), the names, and the way.
type Lookup = (&'static str, &'static str, &'static str);

const STOCK: &str = "stock";
const KLP_SYMPOS: &str = "klp_sympos";

/// The pairs that are compared: livepatch's lookups with those of a kernel without our patches.
const PAIRS: [(&str, Lookup, Lookup); 17] = [
    (
        "livepatch, unique name",
        (KLP_SYMPOS, "unique", "livepatch"),
        (KLP_SYMPOS, "unique", "unpatched"),
    ),
    (
        "livepatch, unique name, module not loaded",
        (STOCK, "unique", "livepatch"),
        (STOCK, "unique", "unpatched"),
    ),
    (
        "livepatch, promoted, full name",
        (KLP_SYMPOS, "promoted", "livepatch"),
        (KLP_SYMPOS, "promoted", "unpatched"),
    ),
    (
        "livepatch, promoted, `foo` / full name",
        (KLP_SYMPOS, "cleaned", "livepatch"),
        (KLP_SYMPOS, "promoted", "unpatched"),
    ),
    (
        "livepatch, promoted, `foo.llvm.*` / full name",
        (KLP_SYMPOS, "any", "livepatch"),
        (KLP_SYMPOS, "promoted", "unpatched"),
    ),
    (
        "livepatch, most frequent name, the first",
        (KLP_SYMPOS, "first", "livepatch"),
        (KLP_SYMPOS, "first", "unpatched"),
    ),
    (
        "livepatch, most frequent name, the last",
        (KLP_SYMPOS, "last", "livepatch"),
        (KLP_SYMPOS, "last", "unpatched"),
    ),
    (
        "livepatch, most frequent name, the last by `foo.llvm.*`",
        (KLP_SYMPOS, "last-any", "livepatch"),
        (KLP_SYMPOS, "last", "unpatched"),
    ),
    (
        "`kallsyms_lookup_name()`, unique name",
        (KLP_SYMPOS, "unique", "kallsyms"),
        (STOCK, "unique", "kallsyms"),
    ),
    (
        "`kallsyms_lookup_name()`, promoted, full name",
        (KLP_SYMPOS, "promoted", "kallsyms"),
        (STOCK, "promoted", "kallsyms"),
    ),
    (
        "`kallsyms_lookup_name()`, promoted, `foo` / full name",
        (KLP_SYMPOS, "cleaned", "kallsyms"),
        (STOCK, "promoted", "kallsyms"),
    ),
    (
        "`kallsyms_lookup_name()`, promoted function, `foo` / full name",
        (KLP_SYMPOS, "functions", "kallsyms"),
        (STOCK, "promoted", "kallsyms"),
    ),
    (
        "`kallsyms_lookup_name()`, no such name",
        (KLP_SYMPOS, "missing", "kallsyms"),
        (STOCK, "missing", "kallsyms"),
    ),
    (
        "`kallsyms_lookup_name()`, names of up to 510 dots",
        (KLP_SYMPOS, "dots", "kallsyms"),
        (STOCK, "dots", "kallsyms"),
    ),
    (
        "`kallsyms_lookup_name()`, names of up to 510 dots / a name that there is",
        (KLP_SYMPOS, "dots", "kallsyms"),
        (STOCK, "promoted", "kallsyms"),
    ),
    (
        "`ftrace_lookup_symbols()`, all functions, full names",
        (KLP_SYMPOS, "functions", "list"),
        (STOCK, "functions", "list"),
    ),
    (
        "`ftrace_lookup_symbols()`, all functions, names in the source / full names",
        (KLP_SYMPOS, "functions", "list-source"),
        (STOCK, "functions", "list"),
    ),
];

/// Boots twice: with a clock that counts instructions, and with one that shows time.
///
/// # Errors
///
/// Fails if something does not build, or the guest does not answer as expected.
pub fn run(kernel: &Kernel, rounds: usize, logs: &Path, report: &mut Ratios) -> Result<()> {
    let module = build_module(kernel, logs)?;
    for (count_instructions, unit) in [(true, "instructions"), (false, "ns")] {
        let output = boot(
            kernel,
            &module,
            rounds,
            count_instructions,
            &logs.join(unit),
        )?;
        let lookups = Lookups::parse(&output)?;
        for (what, ours, peer) in PAIRS {
            let (ours, peer) = lookups.pair(ours, peer)?;
            report.add(format!("{what}: {unit}"), NumberForm::Number, &ours, &peer);
        }
        if count_instructions {
            report.note(lookups.allocations());
        }
    }
    Ok(())
}

fn build_module(kernel: &Kernel, logs: &Path) -> Result<PathBuf> {
    let source = paths::repository().join("scripts/fixtures/bench");
    let built = external::build(kernel, "bench", &source, logs)?;
    let [built] = &built[..] else {
        bail!("expected one module, found {built:?}");
    };
    let converted = logs.join("klp_lookups.ko");
    // Nothing in it may depend on klp_sympos, which comes and goes.
    let options = ["--policy", "exact"];
    external::convert(kernel, klp_gen::command(), &options, built, converted, logs)
}

fn boot(
    kernel: &Kernel,
    module: &Path,
    rounds: usize,
    count_instructions: bool,
    logs: &Path,
) -> Result<String> {
    let mut contents = guest_files::scripts_and_program(logs)?;
    contents.extra_modules.push(module.to_owned());
    let vm = Vm {
        count_instructions,
        timeout: Some(LIMIT),
        ..Vm::new(&kernel.build, logs)
    };
    let script = format!(
        "modprobe klp_lookups && exec klp-guest lookups --rounds {rounds} --calls {CALLS}\n"
    );
    let booted = guest::boot::boot(&vm, &contents, Some(&script))?;
    if let Some(failure) = booted.failure {
        bail!(
            "{failure}; the guest's output and log are in {}: {}",
            logs.display(),
            booted.output.lines().last().unwrap_or_default()
        );
    }
    Ok(booted.output)
}

/// The output of `klp-guest lookups`.
#[derive(Default)]
struct Lookups<'a> {
    /// By kernel, names and way: by round, what one lookup took.
    costs: HashMap<(&'a str, &'a str, &'a str), BTreeMap<u32, f64>>,
    /// By way and names: the allocations of all lookups.
    allocations: BTreeMap<(&'a str, &'a str), u64>,
}

impl<'a> Lookups<'a> {
    fn parse(output: &'a str) -> Result<Self> {
        let mut lookups = Self::default();
        for line in output.lines() {
            let words: Vec<_> = line.split(' ').collect();
            let &[round, kernel, names, way, cost, allocations] = words.as_slice() else {
                bail!("expected a line of `klp-guest lookups`, found {line:?}");
            };
            let costs = lookups.costs.entry((kernel, names, way)).or_default();
            costs.insert(round.parse()?, cost.parse()?);
            if kernel == KLP_SYMPOS {
                let allocations: u64 = allocations.parse()?;
                *lookups.allocations.entry((way, names)).or_default() += allocations;
            }
        }
        ensure!(!lookups.costs.is_empty(), "the guest measured nothing");
        Ok(lookups)
    }

    /// The samples of the rounds in which both were measured.
    fn pair(&self, ours: Lookup, peer: Lookup) -> Result<(Samples, Samples)> {
        let get = |lookup| {
            let costs = self.costs.get(&lookup);
            costs.with_context(|| format!("the guest did not measure {lookup:?}"))
        };
        let (ours, peer) = (get(ours)?, get(peer)?);
        let both = || {
            ours.iter()
                .filter_map(|(round, a)| Some((a, peer.get(round)?)))
        };
        Ok((
            Samples(both().map(|(ours, _)| *ours).collect()),
            Samples(both().map(|(_, peer)| *peer).collect()),
        ))
    }

    fn allocations(&self) -> String {
        let mut text = String::from("Allocations of all lookups with klp_sympos:");
        for ((way, names), count) in &self.allocations {
            let _ = write!(text, " {way} {names} {count},");
        }
        text.trim_end_matches(',').to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_are_paired() {
        let output = "0 stock unique livepatch 10 0\n\
                      0 klp_sympos unique livepatch 12 0\n\
                      1 klp_sympos unique livepatch 13 2\n";
        let lookups = Lookups::parse(output).unwrap();
        let ours = (KLP_SYMPOS, "unique", "livepatch");
        let (ours, peer) = lookups.pair(ours, (STOCK, "unique", "livepatch")).unwrap();
        assert_eq!((ours.0, peer.0), (vec![12.0], vec![10.0]));
        assert_eq!(
            lookups.allocations(),
            "Allocations of all lookups with klp_sympos: livepatch unique 2"
        );
        assert!(Lookups::parse("modprobe: ERROR\n").is_err());
        assert!(Lookups::parse("").is_err());
    }
}
