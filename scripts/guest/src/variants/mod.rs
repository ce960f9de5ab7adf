// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Loads every variant of a livepatch and compares with what `klp-gen check` predicted on the host.

mod compare_kallsyms;
mod compare_log;
mod kmsg;
mod load;

use std::{
    fs,
    path::{Path, PathBuf}, //
};

use anyhow::{
    Context,
    Result, //
};
use klp_variants::{
    list,
    Listed,
    Order,
    Rule, //
};

use crate::kallsyms;
use kmsg::Log;
use load::Attempt;

/// The module that some variants are for.
const TWINS: &str = "klp_twins";

/// Load each livepatch of DIR, compare with its prediction, and print KTAP.
///
/// A second suite checks each again, against /proc/kallsyms instead of vmlinux. The suites are called as
/// the directory.
#[derive(clap::Args)]
pub struct Args {
    /// The livepatches and their list.
    dir: PathBuf,
    /// The module `klp_twins`.
    twins: PathBuf,
    /// `stock`, or `klp_sympos` if that module is loaded.
    #[arg(value_parser = rule)]
    rule: Rule,
    /// End after a livepatch that stays, or at which the kernel complains of itself: what it does
    /// afterwards says nothing of the others.
    #[arg(long)]
    stop: bool,
}

fn rule(name: &str) -> Result<Rule, String> {
    let found = Rule::ALL.into_iter().find(|rule| rule.as_str() == name);
    found.ok_or_else(|| "expected stock or klp_sympos".to_owned())
}

/// Runs the command.
pub fn run(args: &Args) -> Result<bool> {
    let path = args.dir.join(list::FILE);
    let text = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let list: Vec<Listed> = serde_json::from_slice(&text).context("cannot parse the list")?;
    let rule = args.rule;
    let mut log = Log::open()?;

    let name = args.dir.file_name().unwrap_or_default().to_string_lossy();
    let name = format!("{name}-{}", rule.as_str());
    let mut suite = KtapPrinter::begin(&name, list.len());
    for listed in &list {
        let mut usable = true;
        let result = prepare(listed.order, &args.twins).and_then(|()| {
            log.mark(&format!("{} ({})", listed.name, rule.as_str()))?;
            let attempt = Attempt::make(&file(&args.dir, listed), listed, &args.twins, &mut log)?;
            usable = attempt.removed.is_ok() && !compare_log::complains(&attempt.log);
            let wrong = compare_log::wrong(listed, rule, &attempt);
            attempt.removed?;
            Ok(wrong)
        });
        usable &= result.is_ok();
        suite.case(&listed.name, result);
        if args.stop && !usable {
            return Ok(false);
        }
    }
    let ok = suite.ok;
    if args.stop {
        return Ok(ok);
    }

    let mut suite = KtapPrinter::begin(&format!("{name}-kallsyms"), list.len());
    let wanted = |order: Order| {
        list.iter()
            .filter(move |l| (l.order == Order::Without) == (order == Order::Without))
    };
    for order in [Order::Without, Order::First] {
        prepare(order, &args.twins)?;
        let running = compare_kallsyms::RunningKernel::read(Path::new(kallsyms::PATH))?;
        let target = running.target()?;
        for listed in wanted(order) {
            let bytes = fs::read(file(&args.dir, listed));
            let bytes = bytes.with_context(|| format!("cannot read {}", listed.name));
            let result = bytes.map(|bytes| {
                compare_kallsyms::wrong(listed, rule, &bytes, &target, running.release)
            });
            suite.case(&listed.name, result);
        }
    }
    Ok(ok && suite.ok)
}

fn file(dir: &Path, listed: &Listed) -> PathBuf {
    dir.join(format!("{}.ko", listed.name))
}

/// Loads `klp_twins` or removes it, before a livepatch comes.
fn prepare(order: Order, twins: &Path) -> Result<()> {
    let there = load::is_loaded(TWINS);
    match order {
        Order::First if !there => load::load(twins)?.context("klp_twins"),
        Order::Without | Order::Later if there => load::remove(TWINS),
        _ => Ok(()),
    }
}

/// Prints KTAP.
struct KtapPrinter {
    count: usize,
    ok: bool,
}

impl KtapPrinter {
    fn begin(name: &str, cases: usize) -> Self {
        println!("KTAP version 1\n# Subtest: {name}\n1..{cases}");
        Self { count: 0, ok: true }
    }

    /// A case: what is wrong, if anything is.
    fn case(&mut self, name: &str, result: Result<Option<String>>) {
        self.count += 1;
        let wrong = result.unwrap_or_else(|error| Some(format!("{error:#}")));
        if let Some(wrong) = &wrong {
            for line in wrong.lines() {
                println!("# {line}");
            }
        }
        self.ok &= wrong.is_none();
        let word = if wrong.is_none() { "ok" } else { "not ok" };
        println!("{word} {} - {name}", self.count);
    }
}
