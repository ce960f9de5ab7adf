// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Loads and unloads a module while lookups run on the other CPU.

use std::{
    fs::{self, File, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicBool, Ordering},
    thread, //
};

use anyhow::{
    ensure,
    Context,
    Result, //
};
use rustix::{
    io::Errno,
    system::finit_module, //
};

use crate::{
    kallsyms::VMLINUX,
    query::QueryFile, //
};

const KPROBE_EVENTS: &str = "/sys/kernel/tracing/kprobe_events";
const FTRACE_FILTER: &str = "/sys/kernel/tracing/set_ftrace_filter";

/// The messages of rmmod about a module that somebody holds.
const BUSY: [&str; 2] = ["in use", "Resource temporarily unavailable"];

/// Load and unload MODULE again and again while names are looked up by other threads.
#[derive(clap::Args)]
pub struct Args {
    /// The module, for modprobe.
    module: String,
    /// A name that only the module finds: a cleaned name without an exact one.
    #[arg(long)]
    name: String,
    /// The object that has the symbol: a module, or vmlinux.
    #[arg(long, default_value = VMLINUX)]
    object: String,
    /// A livepatch that is refused with the module and without: it is looked up in livepatch's way, and
    /// an answer would make the module stay.
    #[arg(long)]
    refused: PathBuf,
    /// The number of times to load and unload.
    #[arg(long, default_value_t = 200)]
    cycles: u32,
}

/// The numbers of attempts, and of those that worked.
#[derive(Default)]
struct Count {
    tried: u64,
    worked: u64,
}

impl Count {
    fn add(&mut self, worked: bool) {
        self.tried += 1;
        self.worked += u64::from(worked);
    }
}

/// Runs the command.
///
/// Each kind of lookup must have been seen both to work and to fail: otherwise nothing raced.
pub fn run(args: &Args) -> Result<bool> {
    let stop = AtomicBool::new(false);
    let (cycled, counts, refusals) = thread::scope(|scope| {
        let lookups = scope.spawn(|| look_up(args, &stop));
        let livepatches = scope.spawn(|| load_refused(&args.refused, &stop));
        let cycled = cycle(args);
        stop.store(true, Ordering::Relaxed);
        (cycled, lookups.join(), livepatches.join())
    });
    cycled?;
    let counts = counts.map_err(|_| anyhow::anyhow!("the lookups panicked"))?;
    let refusals = refusals.map_err(|_| anyhow::anyhow!("the livepatches panicked"))??;
    println!("{} cycles, {refusals} livepatches refused", args.cycles);
    ensure!(
        refusals > u64::from(args.cycles / 10),
        "too few livepatches to have raced"
    );
    for (what, count) in &counts {
        println!("{what}: {} of {} lookups worked", count.worked, count.tried);
    }
    for (what, count) in &counts {
        ensure!(
            count.worked > 0 && count.worked < count.tried,
            "{what}: {} of {} worked, so loading and unloading did not race with it",
            count.worked,
            count.tried
        );
    }
    Ok(true)
}

fn cycle(args: &Args) -> Result<()> {
    for cycle in 1..=args.cycles {
        for command in [["modprobe", &args.module], ["rmmod", &args.module]] {
            // A lookup may hold the module at this moment, which rmmod sees before it asks the kernel or
            // is told by it (EWOULDBLOCK); that is an answer, not a failure.
            let mut tries = 0;
            loop {
                let status = Command::new(command[0]).arg(command[1]).output()?;
                if status.status.success() {
                    break;
                }
                tries += 1;
                let said = String::from_utf8_lossy(&status.stderr).into_owned();
                ensure!(
                    tries < 1000 && BUSY.iter().any(|busy| said.contains(busy)),
                    "cycle {cycle}: {} {} failed: {said}",
                    command[0],
                    command[1]
                );
            }
        }
    }
    Ok(())
}

fn look_up(args: &Args, stop: &AtomicBool) -> [(&'static str, Count); 3] {
    let name = &args.name;
    let [mut debugfs, mut kprobe, mut ftrace] = [const {
        Count {
            tried: 0,
            worked: 0,
        }
    }; 3];
    let mut round = 0_u64;
    while !stop.load(Ordering::Relaxed) {
        round += 1;
        let question = format!("{}:{name},0", args.object);
        let resolved = QueryFile::open()
            .map_err(anyhow::Error::from)
            .and_then(|file| file.ask(&question))
            .is_ok_and(|answer| answer.starts_with("resolved "));
        debugfs.add(resolved);

        let event = format!("klp_stress/e{round}");
        let made = append(KPROBE_EVENTS, &format!("p:{event} {name}\n"));
        kprobe.add(made);
        if made {
            append(KPROBE_EVENTS, &format!("-:{event}\n"));
        }

        ftrace.add(fs::write(FTRACE_FILTER, format!("{name}\n")).is_ok());
        // An empty filter is every function; nothing is traced meanwhile.
        let _ = fs::write(FTRACE_FILTER, "\n");
    }
    [
        ("debugfs", debugfs),
        ("kprobe events", kprobe),
        ("set_ftrace_filter", ftrace),
    ]
}

/// Loads the livepatch again and again and returns how often it was refused.
fn load_refused(livepatch: &Path, stop: &AtomicBool) -> Result<u64> {
    let file =
        File::open(livepatch).with_context(|| format!("cannot open {}", livepatch.display()))?;
    let mut refusals = 0;
    while !stop.load(Ordering::Relaxed) {
        let result = finit_module(&file, c"", 0);
        ensure!(
            result == Err(Errno::INVAL),
            "{}: expected EINVAL, found {result:?}",
            livepatch.display()
        );
        refusals += 1;
    }
    Ok(refusals)
}

fn append(path: &str, text: &str) -> bool {
    let write = || -> Result<()> {
        let mut file = OpenOptions::new()
            .append(true)
            .open(path)
            .with_context(|| format!("cannot open {path}"))?;
        Ok(file.write_all(text.as_bytes())?)
    };
    write().is_ok()
}
