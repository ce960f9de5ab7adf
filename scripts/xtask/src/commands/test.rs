// SPDX-License-Identifier: GPL-2.0 OR MIT

//! `cargo xtask test`: host tests, then the kernel, then every boot.

use super::kernel::{parse_lane, TreeArgs};
use crate::host::{cargo_test, paths};
use crate::kernel::source::Origin;
use crate::kernel::{self, Kernel, Lane, Link};
use crate::report::outcome::Outcome;
use crate::report::progress;
use crate::report::tally::Tally;
use crate::suite::authors::guide::Reader;
use crate::suite::authors::makefile::Makefile;
use crate::suite::boots::{Boot, BOOTS};
use crate::suite::expected::ExpectedSuites;
use crate::suite::guest_files::{self, GuestFiles};
use crate::suite::needs::Need;
use crate::suite::predict::{in_tree, init_symbols, refusals};
use crate::suite::run_boots::{run_boots, Hold};
use crate::suite::{collisions, convert_keeps, kconfig_menu, rust_debug_info};
use anyhow::{bail, Result};
use std::collections::BTreeSet;
use std::env;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// The variable that makes what was printed what is expected.
const BLESS: &str = "KLP_BLESS";

/// Run every test; the last line is `N passed, N failed`.
///
/// With `KLP_BLESS=1` the numbers of cases that are expected of a boot become those that it prints, if nothing in it fails.
#[derive(clap::Args)]
pub struct Args {
    /// Test this kernel, or `all` of them. The names of lanes are those of `cargo xtask kernel`.
    #[arg(long, value_parser = Lanes::parse)]
    lane: Option<Lanes>,
    #[command(flatten)]
    tree: TreeArgs,
    /// Run this boot and nothing else.
    #[arg(long, value_name = "NAME")]
    boot: Vec<String>,
    /// Count only the cases that are called so (`*` is any text), and tell each. All of the boot runs: a case may need
    /// what those before it have left.
    #[arg(long, value_name = "GLOB", requires = "boot")]
    case: Option<String>,
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
#[derive(Clone, Debug, PartialEq, Eq)]
enum Lanes {
    One(Lane),
    All,
}

impl Lanes {
    fn parse(name: &str) -> Result<Self, String> {
        match name {
            "all" => Ok(Self::All),
            _ => match parse_lane(name) {
                Ok(lane) => Ok(Self::One(lane)),
                Err(error) => Err(format!("{error}; `all` is each of them")),
            },
        }
    }
}

/// Returns the kernels that are tested, with their sources: of a tree of the user's own, only those of its series.
fn kernels(lanes: Option<&Lanes>, tree: &TreeArgs) -> Result<Vec<(Lane, Origin)>> {
    let lane = match lanes {
        Some(Lanes::All) => {
            let lanes = match tree.series()? {
                Some(series) => Lane::of(&series),
                None => Lane::all()?,
            };
            let lanes = lanes.into_iter();
            return lanes
                .map(|lane| tree.choose(Some(&lane), &Link::ALL))
                .collect();
        }
        Some(Lanes::One(lane)) => Some(lane),
        None => None,
    };
    Ok(vec![tree.choose(lane, &Link::ALL)?])
}

/// Runs the command.
pub fn run(args: &Args) -> Result<Outcome> {
    if args.list {
        for boot in BOOTS {
            println!("{}: {}", boot.name, boot.scripts.join(" "));
        }
        return Ok(Outcome::Pass);
    }
    let kernels = kernels(args.lane.as_ref(), &args.tree)?;
    let links: Vec<_> = kernels.iter().map(|(lane, _)| lane.link).collect();
    let boots = chosen(&args.boot, &links)?;
    let logs = paths::new_log_dir("test")?;
    let mut tally = Tally::default();
    if args.boot.is_empty() && !args.authors {
        progress::section("host tests");
        cargo_test::run(&mut tally, &logs)?;
    }
    if !args.host {
        for (lane, origin) in &kernels {
            let logs = logs.join(lane.to_string());
            let part = test_kernel(lane, origin, args, &boots, &logs)?;
            tally.add(part.within(&lane.to_string()));
        }
    }
    progress::finish(&logs);
    tally.print();
    Ok(Outcome::from_bool(tally.failed() == 0))
}

/// Builds the kernel of a lane and runs everything that is tested with it.
fn test_kernel(
    lane: &Lane,
    origin: &Origin,
    args: &Args,
    boots: &[&Boot],
    logs: &Path,
) -> Result<Tally> {
    let mut tally = Tally::default();
    progress::section(&format!("kernel ({lane})"));
    let kernel = kernel::prepare(lane, origin, logs)?;
    let boots: Vec<_> = boots
        .iter()
        .copied()
        .filter(|boot| boot.links.contains(&lane.link))
        .collect();
    progress::section("files of the guest");
    let files = GuestFiles::build(&kernel, &needs(args, &boots), logs)?;
    if args.authors {
        test_authors(&kernel, &mut tally, logs)?;
        return Ok(tally);
    }
    if args.boot.is_empty() {
        test_authors(&kernel, &mut tally, logs)?;
        test_without_guest(&kernel, &files, &mut tally, logs)?;
    }
    tally.add(files.source_patches.clone());
    progress::section(&format!("boots ({lane})"));
    let contents = |boot: &Boot| files.of(boot.needs);
    let path = origin.series()?.expected(lane.link);
    let expected = ExpectedSuites::read(&path)?;
    let run = |hold| run_boots(&boots, &kernel, logs, contents, hold);
    tally.add(if let Some(pattern) = &args.case {
        run(Hold::Cases(pattern))
    } else if env::var_os(BLESS).is_some() {
        let blessed = Mutex::new(expected);
        let boots = run(Hold::Bless(&blessed));
        let blessed = blessed.into_inner().unwrap_or_else(PoisonError::into_inner);
        blessed.write(&path)?;
        boots
    } else {
        run(Hold::ExpectedSuites(&expected))
    });
    Ok(tally)
}

/// Returns the groups of files that these boots need, and the tests without a guest if they run, too.
fn needs(args: &Args, boots: &[&Boot]) -> BTreeSet<Need> {
    if args.authors {
        // Some mistakes are about a module that is built outside of the kernel tree.
        return BTreeSet::from([Need::Modules]);
    }
    let of_boots = boots.iter().flat_map(|boot| boot.needs);
    let common = Need::COMMON.iter().filter(|_| args.boot.is_empty());
    of_boots.chain(common).copied().collect()
}

/// Runs the tests that need the kernel's build, and no boot.
fn test_without_guest(
    kernel: &Kernel,
    files: &GuestFiles,
    tally: &mut Tally,
    logs: &Path,
) -> Result<()> {
    progress::section("livepatches before they are loaded");
    refusals::check(&files.livepatches, kernel, tally)?;
    init_symbols::check(&files.livepatches, kernel, tally)?;
    let selftests = guest_files::selftest_modules(kernel, logs)?;
    in_tree::check(&selftests, &kernel.build, tally)?;
    convert_keeps::check(&kernel.build, tally, logs)?;
    progress::section("where klp_sympos can be had");
    kconfig_menu::check(kernel, tally, logs)?;
    rust_debug_info::check(kernel, tally)?;
    progress::section("collisions");
    collisions::check(kernel, tally, logs)?;
    if let Some(variants) = &files.variants {
        variants.check(tally);
    }
    Ok(())
}

/// Does what authors of livepatches do.
fn test_authors(kernel: &Kernel, tally: &mut Tally, logs: &Path) -> Result<()> {
    progress::section("authors of livepatches");
    Reader::new(kernel, logs)?.test(tally);
    Makefile::new(kernel, logs)?.test(tally);
    Ok(())
}

/// The boots of these names, or all. One that is for none of the kernels would be a test that nobody runs.
fn chosen(names: &[String], links: &[Link]) -> Result<Vec<&'static Boot>> {
    for name in names {
        let Some(boot) = BOOTS.iter().find(|boot| boot.name == name) else {
            bail!("there is no boot `{name}`; `cargo xtask test --list` lists them");
        };
        if !boot.links.iter().any(|link| links.contains(link)) {
            let mut lanes = Lane::all()?;
            lanes.retain(|lane| boot.links.contains(&lane.link));
            bail!(
                "the boot `{name}` is for other lanes: give --lane with one of {}",
                Lane::list(&lanes)
            );
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
        let choose = |name: &str, links| chosen(&[name.to_owned()], links);
        assert_eq!(choose("replace", &[Link::Default]).unwrap().len(), 1);
        assert_eq!(choose("collisions", &Link::ALL).unwrap().len(), 1);
        let error = choose("collisions", &[Link::Default]).unwrap_err();
        let expected = "give --lane with one of suffix-reduction";
        assert!(error.to_string().contains(expected), "{error}");
        assert!(choose("no-such", &Link::ALL).is_err());
        assert_eq!(chosen(&[], &[Link::Default]).unwrap().len(), BOOTS.len());
    }

    #[test]
    fn the_default_lane_is_tested_if_none_is_given_and_all_is_each_of_every_series() {
        let tested = |lane: Option<&str>| -> Vec<String> {
            let lanes = lane.map(|lane| Lanes::parse(lane).unwrap());
            let kernels = kernels(lanes.as_ref(), &TreeArgs::default()).unwrap();
            kernels.iter().map(|(lane, _)| lane.to_string()).collect()
        };
        assert_eq!(tested(None), ["default"]);
        assert_eq!(tested(Some("btf")), ["btf"]);
        let all: Vec<_> = Lane::all().unwrap().iter().map(Lane::to_string).collect();
        assert_eq!(tested(Some("all")), all);
        let error = Lanes::parse("9.9-default").unwrap_err();
        assert!(error.contains("the lanes are default, "), "{error}");
        assert!(error.ends_with("`all` is each of them"), "{error}");
    }
}
