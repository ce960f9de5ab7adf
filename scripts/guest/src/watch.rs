// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Reads a file all the time and says what it saw.

use std::{
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
    thread,
    time::Duration, //
};

use anyhow::{
    Context,
    Result, //
};
use rustix::io::Errno;

/// The answer that stands for a file that does not exist.
const ABSENT: &str = "absent";

/// The number of looks between two pauses.
const BURST: u64 = 16;

/// The pause between two bursts of looks.
///
/// Each start and end of a transition patches every call of `cond_resched()` (`sched_dynamic_klp_enable()`
/// in kernel/sched/core.c, with `CONFIG_PREEMPT_DYNAMIC`), and interrupts all processors for each of some
/// thousand places. QEMU's processors take turns: one that is never idle makes each interrupt wait for
/// its turn, and a transition of a moment takes half a minute.
const PAUSE: Duration = Duration::from_millis(1);

/// Read the first line of FILE again and again; print how often in a row it was the same.
///
/// A line has what was seen and how often, as those of `/proc/klp_held`.
#[derive(clap::Args)]
pub struct Args {
    /// The file to read.
    file: PathBuf,
    /// Create this after the first look.
    #[arg(long, value_name = "FILE")]
    begin: PathBuf,
    /// Stop when this exists.
    #[arg(long, value_name = "FILE")]
    end: PathBuf,
}

/// Runs the command; it always is a yes.
pub fn run(args: &Args) -> Result<bool> {
    let mut last = first_line(&args.file)?;
    let mut count = 1_u64;
    fs::write(&args.begin, "")
        .with_context(|| format!("cannot create {}", args.begin.display()))?;
    for look in 1_u64.. {
        if args.end.exists() {
            break;
        }
        if look % BURST == 0 {
            thread::sleep(PAUSE);
        }
        let line = first_line(&args.file)?;
        if line == last {
            count += 1;
        } else {
            println!("{last} {count}");
            (last, count) = (line, 1);
        }
    }
    println!("{last} {count}");
    Ok(true)
}

fn first_line(file: &Path) -> Result<String> {
    match fs::read_to_string(file) {
        Ok(text) => Ok(text.lines().next().unwrap_or_default().to_owned()),
        // A file of /proc that is just being removed (use_pde() in fs/proc/inode.c).
        Err(error) if error.raw_os_error() == Some(Errno::IO.raw_os_error()) => {
            Ok(ABSENT.to_owned())
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(ABSENT.to_owned()),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", file.display())),
    }
}
