// SPDX-License-Identifier: GPL-2.0 OR MIT

//! `cargo xtask qemu`: boots the test kernel with a command or a shell.

use super::kernel::KernelArgs;
use crate::guest::boot::boot;
use crate::guest::vm::{Output, Vm};
use crate::host::{paths, run};
use crate::kernel::{self, Link};
use crate::report::outcome::Outcome;
use crate::report::progress;
use crate::suite::{guest_files, show};
use anyhow::{Context, Result};
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

/// Boot the test kernel in QEMU and run a command in it, or a shell.
///
/// The last line on stdout is the verdict. It is `pass` only if the command succeeded and the kernel
/// reported nothing about itself that is wrong. Ctrl-A X ends a shell's QEMU at once, `exit` cleanly.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    kernel: KernelArgs,
    /// Boot at the link-time address.
    #[arg(long)]
    no_kaslr: bool,
    /// Let the guest's processors run at the same time instead of taking turns: quicker if both have
    /// work, but this QEMU may then run code that the kernel has just replaced (`Oops: int3`).
    #[arg(long)]
    parallel: bool,
    /// Add ARGS to the kernel's command line.
    #[arg(
        long,
        value_name = "ARGS",
        default_value = "",
        allow_hyphen_values = true
    )]
    append: String,
    /// End the run after SECS seconds of wall-clock time.
    #[arg(long, value_name = "SECS", default_value_t = 120)]
    timeout: u64,
    /// Also copy the kernel's log to FILE.
    #[arg(long, value_name = "FILE")]
    keep_log: Option<PathBuf>,
    /// Boot the kernel that was built in DIR instead of the cached one.
    #[arg(long, value_name = "DIR", env = "KLP_BUILD")]
    build: Option<PathBuf>,
    /// Put a file or directory of this machine into the guest.
    #[arg(long, value_name = "HOST[:GUEST]")]
    add: Vec<String>,
    /// Put a module into /lib/modules of the guest, for modprobe.
    #[arg(long, value_name = "FILE.ko")]
    module: Vec<PathBuf>,
    /// The command, for the guest's shell if it is one word; without one, an interactive shell.
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<String>,
}

/// Runs the command.
pub fn run(args: Args) -> Result<Outcome> {
    let logs = paths::new_log_dir("qemu")?;
    let (lane, origin) = args.kernel.choose(&Link::ALL)?;
    let build = if let Some(build) = args.build {
        build
    } else {
        kernel::prepare(&lane, &origin, &logs)?.build
    };
    let interactive = args.command.is_empty();
    let mut contents = guest_files::scripts_and_program(&logs)?;
    for pair in &args.add {
        let (from, to) = place(pair);
        contents.add(from, to);
    }
    contents.extra_modules = args.module;
    let vm = Vm {
        kaslr: !args.no_kaslr,
        parallel: args.parallel,
        append: format!("{} {}", lane.parameter(), args.append),
        timeout: (!interactive).then(|| Duration::from_secs(args.timeout)),
        output: if interactive {
            Output::Terminal
        } else {
            Output::Stream
        },
        ..Vm::new(&build, &logs)
    };
    progress::section("boot");
    let report = boot(&vm, &contents, script(&args.command).as_deref())?;
    show::tell(&report);
    if let Some(copy) = args.keep_log {
        fs::copy(&report.console_log, &copy)
            .with_context(|| format!("cannot write {}", copy.display()))?;
    }
    Ok(Outcome::from_bool(report.failure.is_none()))
}

/// One word is a line for the shell, several are one command with its arguments.
fn script(command: &[String]) -> Option<String> {
    match command {
        [] => None,
        [line] => Some(format!("{line}\n")),
        words => {
            let words: Vec<_> = words.iter().map(|word| run::shell_quote(word)).collect();
            Some(format!("{}\n", words.join(" ")))
        }
    }
}

/// Splits `HOST:GUEST`; without a place, the file goes to the guest's root directory.
fn place(pair: &str) -> (PathBuf, String) {
    if let Some((host, guest)) = pair.split_once(':') {
        return (host.into(), guest.to_owned());
    }
    let host = PathBuf::from(pair);
    let name = host.file_name().unwrap_or_default().to_string_lossy();
    let guest = format!("root/{name}");
    (host, guest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_words_are_quoted_and_one_is_not() {
        let words = |words: &[&str]| {
            words
                .iter()
                .map(|&word| word.to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(script(&words(&["a | b"])).unwrap(), "a | b\n");
        assert_eq!(script(&words(&["echo", "a b"])).unwrap(), "echo 'a b'\n");
        assert_eq!(script(&[]), None);
    }

    #[test]
    fn added_files_land_in_the_home_directory() {
        assert_eq!(place("dir/x.ko"), ("dir/x.ko".into(), "root/x.ko".into()));
        assert_eq!(place("x:/etc/y"), ("x".into(), "/etc/y".into()));
    }
}
