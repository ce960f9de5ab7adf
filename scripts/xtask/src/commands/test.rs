// SPDX-License-Identifier: GPL-2.0 OR MIT

//! `cargo xtask test`: host tests, then the kernel, then every boot.

use super::kernel::SourceArgs;
use crate::host::{cargo_test, paths};
use crate::kernel::{self, Kernel, Lane};
use crate::report::outcome::Outcome;
use crate::report::progress;
use crate::report::tally::Tally;
use crate::suite::authors::guide::Reader;
use crate::suite::authors::makefile::Makefile;
use crate::suite::boots::{Boot, BOOTS};
use crate::suite::livepatches::{self, Livepatches};
use crate::suite::predict::{in_tree, init_symbols, refusals};
use crate::suite::run_boots::run_boots;
use crate::suite::variants::Variants;
use crate::suite::{
    clients, collisions, convert_keeps, guest_files, kconfig_menu, rust_debug_info,
};
use anyhow::{bail, Result};
use std::path::Path;

/// Run every test; the last line is `N passed, N failed`.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    source: SourceArgs,
    /// Test this kernel, or all of them.
    #[arg(long, value_enum, default_value_t)]
    lane: Lanes,
    /// Run this boot and nothing else.
    #[arg(long, value_name = "NAME")]
    boot: Vec<String>,
    /// Run the host's tests and nothing else.
    #[arg(long, conflicts_with = "boot")]
    host: bool,
    /// Run what authors of livepatches do and nothing else: the guide, and Makefile.livepatch.
    #[arg(long, conflicts_with_all = ["boot", "host"])]
    authors: bool,
    /// List the boots.
    #[arg(long)]
    list: bool,
}

/// The values of `--lane`: one, or all.
#[derive(Clone, Copy, Default, clap::ValueEnum)]
enum Lanes {
    #[default]
    Default,
    SuffixReduction,
    Btf,
    All,
}

impl Lanes {
    fn list(self) -> &'static [Lane] {
        match self {
            Self::Default => &[Lane::Default],
            Self::SuffixReduction => &[Lane::SuffixReduction],
            Self::Btf => &[Lane::Btf],
            Self::All => &Lane::ALL,
        }
    }
}

/// Runs the command.
pub fn run(args: &Args) -> Result<Outcome> {
    if args.list {
        for boot in BOOTS {
            println!("{}: {}", boot.name, boot.scripts.join(" "));
        }
        return Ok(Outcome::Pass);
    }
    let boots = chosen(&args.boot, args.lane.list())?;
    let logs = paths::new_log_dir("test")?;
    let mut tally = Tally::default();
    if args.boot.is_empty() && !args.authors {
        progress::section("host tests");
        cargo_test::run(&mut tally, &logs)?;
    }
    if !args.host {
        for lane in args.lane.list() {
            let logs = logs.join(lane.name());
            let part = test_kernel(*lane, args, &boots, &logs)?;
            tally.add(part.within(lane.name()));
        }
    }
    progress::finish(&logs);
    tally.print();
    Ok(Outcome::from_bool(tally.failed() == 0))
}

/// Builds the kernel of a lane and runs everything that is tested with it.
fn test_kernel(lane: Lane, args: &Args, boots: &[&Boot], logs: &Path) -> Result<Tally> {
    let mut tally = Tally::default();
    progress::section(&format!("kernel ({})", lane.name()));
    let kernel = kernel::prepare(lane, args.source.kernel_source.as_deref(), logs)?;
    progress::section("test modules");
    let livepatches = Livepatches::build(&kernel, logs)?;
    if args.authors {
        test_authors(&kernel, &mut tally, logs)?;
        return Ok(tally);
    }
    let mut contents = guest_files::all(&kernel, &livepatches, logs)?;
    let variants = Variants::derive(&kernel, logs)?;
    variants.add_to(&mut contents);
    let reader = Reader::new(&kernel, logs)?;
    if args.boot.is_empty() {
        test_authors(&kernel, &mut tally, logs)?;
    }
    livepatches::add_module(&mut contents, &reader.build()?);
    for module in reader.build_examples()? {
        livepatches::add_module(&mut contents, &module);
    }
    if args.boot.is_empty() {
        progress::section("livepatches before they are loaded");
        refusals::check(&livepatches, &kernel, &mut tally)?;
        init_symbols::check(&livepatches, &kernel, &mut tally)?;
        let selftests = guest_files::selftest_modules(&kernel, logs)?;
        in_tree::check(&selftests, &kernel.build, &mut tally)?;
        convert_keeps::check(&kernel.build, &mut tally, logs)?;
        progress::section("where klp_sympos can be had");
        kconfig_menu::check(&kernel, &mut tally, logs)?;
        rust_debug_info::check(&kernel, &mut tally)?;
        progress::section("collisions");
        collisions::check(&kernel, &mut tally, logs)?;
        variants.check(&mut tally);
    }
    let boots: Vec<_> = boots
        .iter()
        .copied()
        .filter(|b| b.lanes.contains(&lane))
        .collect();
    let mut with_clients = contents.clone();
    if boots.iter().any(|boot| boot.clients) {
        progress::section("programs that people trace with");
        clients::add(&mut with_clients, &kernel, logs)?;
    }
    progress::section(&format!("boots ({})", lane.name()));
    tally.add(run_boots(&boots, &kernel, logs, |boot| {
        if boot.clients {
            &with_clients
        } else {
            &contents
        }
    }));
    Ok(tally)
}

/// Does what authors of livepatches do.
fn test_authors(kernel: &Kernel, tally: &mut Tally, logs: &Path) -> Result<()> {
    progress::section("authors of livepatches");
    Reader::new(kernel, logs)?.test(tally);
    Makefile::new(kernel, logs)?.test(tally);
    Ok(())
}

/// The boots of these names, or all. One that no lane of `lanes` has would be a test that nobody runs.
fn chosen(names: &[String], lanes: &[Lane]) -> Result<Vec<&'static Boot>> {
    for name in names {
        let Some(boot) = BOOTS.iter().find(|boot| boot.name == name) else {
            bail!("there is no boot `{name}`; `cargo xtask test --list` lists them");
        };
        if !boot.lanes.iter().any(|lane| lanes.contains(lane)) {
            let its: Vec<_> = boot.lanes.iter().map(|lane| lane.name()).collect();
            bail!("the boot `{name}` is for --lane {}", its.join(" or "));
        }
    }
    let wanted = |boot: &&Boot| names.is_empty() || names.iter().any(|name| name == boot.name);
    Ok(BOOTS.iter().filter(wanted).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_boot_that_no_lane_has_is_an_error() {
        let choose = |name: &str, lanes| chosen(&[name.to_owned()], lanes);
        assert_eq!(choose("replace", &[Lane::Default]).unwrap().len(), 1);
        assert_eq!(choose("collisions", &Lane::ALL).unwrap().len(), 1);
        let error = choose("collisions", &[Lane::Default]).unwrap_err();
        assert!(error.to_string().contains("--lane suffix-reduction"));
        assert!(choose("no-such", &Lane::ALL).is_err());
        assert_eq!(chosen(&[], &[Lane::Default]).unwrap().len(), BOOTS.len());
    }
}
