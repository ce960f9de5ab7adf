// SPDX-License-Identifier: GPL-2.0 OR MIT

//! `cargo xtask bench`: what things cost, as ratios.

use super::kernel::KernelArgs;
use crate::bench::{build, guest, host, peers, Ratios};
use crate::host::{packages, paths};
use crate::kernel::build::klp_build::PACKAGES;
use crate::kernel::{self, Link};
use crate::report::outcome::Outcome;
use anyhow::Result;

/// Measure klp-gen and the lookups of the kernel, each against its peer in turns, and print the ratios.
///
/// docs/performance.md says what they mean. Nothing is judged here: it fails only if it cannot run.
#[derive(clap::Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an option of the command line"
)]
pub struct Args {
    #[command(flatten)]
    kernel: KernelArgs,
    /// The number of times that each of a pair runs.
    #[arg(long, value_name = "N", default_value_t = 15, value_parser = clap::value_parser!(u16).range(1..))]
    rounds: u16,
    /// Only klp-gen, on this machine, without `klp-gen build`.
    #[arg(long)]
    host: bool,
    /// Only `klp-gen build`.
    #[arg(long, conflicts_with_all = ["host", "guest"])]
    build: bool,
    /// Only the kernel, in the guest.
    #[arg(long, conflicts_with = "host")]
    guest: bool,
    /// Only `klp-gen build` against the kernel's own klp-build, once, in an hour of processor time or more. What was
    /// built stays in the cache. Without --lane, the kernel is that of the newest series.
    #[arg(long, conflicts_with_all = ["host", "build", "guest", "rounds"])]
    peers: bool,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<Outcome> {
    let logs = paths::new_log_dir("bench")?;
    if args.peers {
        let (lane, origin) = args.kernel.choose_newest(&Link::ALL)?;
        packages::install(PACKAGES, &logs)?;
        let kernel = kernel::prepare(&lane, &origin, &logs)?;
        print!("{}", peers::run(&kernel, &logs)?);
        return Ok(Outcome::Pass);
    }
    let kernel = args.kernel.prepare(&Link::ALL, &logs)?;
    let rounds = args.rounds.into();
    let mut report = Ratios::default();
    if !args.host && !args.guest {
        build::run(&kernel, rounds, &logs, &mut report)?;
    }
    if !args.guest && !args.build {
        host::run(&kernel, rounds, &logs, &mut report)?;
    }
    if !args.host && !args.build {
        guest::run(&kernel, rounds, &logs, &mut report)?;
    }
    print!("{report}");
    Ok(Outcome::Pass)
}
