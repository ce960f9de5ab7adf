// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Reads a file all the time and says what it saw.

use std::{
    fs,
    io::ErrorKind,
    path::{Path, PathBuf}, //
};

use anyhow::{
    Context,
    Result, //
};
use rustix::io::Errno;

/// What stands for the first line of a file that is not there.
const ABSENT: &str = "absent";

/// Read the first line of FILE again and again; print how often in a row it was the same.
///
/// A line has what was seen and how often, as those of `/proc/klp_held`.
#[derive(clap::Args)]
pub struct Args {
    /// What to read.
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
    while !args.end.exists() {
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
