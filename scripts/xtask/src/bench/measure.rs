// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Runs programs in turns and keeps what each run took.

use super::report::Samples;
use crate::host::run;
use anyhow::{ensure, Context, Result};
use std::env;
use std::ffi::OsString;
use std::process::{Command, Stdio};
use std::time::Duration;
use wait4::Wait4;

/// The time and the memory of each run of one program.
pub struct Runs {
    /// Processor time in seconds, of the kernel's work for it too.
    ///
    /// No program here has more than one thread, and files are cached: on a machine that does nothing
    /// else it is the elapsed time, and on a busy one it is not the others'.
    pub time: Samples,
    /// The most memory that was resident, in bytes.
    pub peak: Samples,
}

/// Runs every program in each of the rounds: A B C A B C.
///
/// # Errors
///
/// Fails if one cannot be run or ends unsuccessfully.
pub fn in_turns<const N: usize>(programs: &[Command; N], rounds: usize) -> Result<[Runs; N]> {
    let mut all = [const {
        Runs {
            time: Samples(Vec::new()),
            peak: Samples(Vec::new()),
        }
    }; N];
    for program in programs {
        run::announce(program);
    }
    // The first round only brings files into the cache.
    for round in 0..=rounds {
        for (program, runs) in programs.iter().zip(&mut all) {
            let usage = apart(program)?;
            if round > 0 {
                runs.time.0.push(usage.time.as_secs_f64());
                #[expect(clippy::cast_precision_loss, reason = "exact up to 8 PiB")]
                runs.peak.0.push(usage.peak as f64);
            }
        }
    }
    Ok(all)
}

/// The time and the memory of one run.
pub struct Usage {
    pub time: Duration,
    pub peak: u64,
}

/// Has a new process of this program start it, by `cargo xtask measure`.
///
/// A process begins with the peak of the one that starts it (`exec_mmap()` in fs/exec.c), and this one has
/// held whole files.
fn apart(program: &Command) -> Result<Usage> {
    let mut measure = Command::new(env::current_exe().context("cannot find xtask")?);
    measure
        .args(["measure", "--"])
        .arg(program.get_program())
        .args(program.get_args());
    let line = run::captured(&mut measure)?;
    let parse = || {
        let (time, peak) = line.trim().split_once(' ')?;
        Some(Usage {
            time: Duration::from_nanos(time.parse().ok()?),
            peak: peak.parse().ok()?,
        })
    };
    parse().with_context(|| format!("expected two numbers, found {line:?}"))
}

/// Runs a program with its output thrown away.
///
/// # Errors
///
/// Fails if it cannot be run or ends unsuccessfully.
pub fn usage(program: &[OsString]) -> Result<Usage> {
    let (name, arguments) = program.split_first().context("no program")?;
    let mut program = Command::new(name);
    program.args(arguments);
    let mut child = program
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .with_context(|| format!("cannot run `{}`", run::shell_line(&program)))?;
    let used = child.wait4()?;
    ensure!(
        used.status.success(),
        "`{}` ended with {}",
        run::shell_line(&program),
        used.status
    );
    Ok(Usage {
        time: used.rusage.utime + used.rusage.stime,
        peak: used.rusage.maxrss,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_and_peak_memory_of_a_program_are_measured() {
        let awk = r#"BEGIN { for (i = 0; i < 100000; i++) a[i] = i "a string of some length" }"#;
        let program = ["awk", awk].map(OsString::from);
        let used = usage(&program).unwrap();
        assert!(used.time > Duration::from_millis(1), "{:?}", used.time);
        assert!((1 << 20..1 << 30).contains(&used.peak), "{}", used.peak);
    }

    #[test]
    fn a_failure_is_no_measurement() {
        let error = usage(&["false".into()]).err().unwrap();
        assert!(error.to_string().contains("`false` ended with"), "{error}");
    }
}
