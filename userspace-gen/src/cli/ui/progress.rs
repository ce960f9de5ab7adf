// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The steps of a long command: a bar on a terminal, a line for each step in a pipe.

use super::Console;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use klp_gen::build::Progress;
use nix::sys::resource::{getrusage, UsageWho};
use nix::sys::time::TimeValLike as _;
use std::io::{self, IsTerminal as _};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Shows the steps of a build on stderr.
#[derive(Debug)]
pub struct Steps<'c> {
    console: &'c Console,
    step: Mutex<Option<Step>>,
}

#[derive(Debug)]
struct Step {
    name: &'static str,
    total: usize,
    started: Instant,
    used: Duration,
    bar: ProgressBar,
}

impl<'c> Steps<'c> {
    /// Returns a value that shows no step yet.
    pub fn new(console: &'c Console) -> Self {
        Self {
            console,
            step: Mutex::new(None),
        }
    }

    /// Ends the last step.
    pub fn finish(&self) {
        if let Ok(mut step) = self.step.lock() {
            self.end(step.take());
        }
    }

    fn end(&self, step: Option<Step>) {
        let Some(step) = step else { return };
        step.bar.finish_and_clear();
        let took = step.started.elapsed().as_secs_f64();
        let used = used().saturating_sub(step.used).as_secs_f64();
        let Step { name, total, .. } = step;
        let count = if total == 0 {
            String::new()
        } else {
            format!(" {total}")
        };
        self.console.step(&format_args!(
            "{name}{count}: {took:.1} s ({used:.1} s of processor time)"
        ));
    }
}

impl Progress for Steps<'_> {
    fn step(&self, name: &'static str, total: usize) {
        let Ok(mut step) = self.step.lock() else {
            return;
        };
        self.end(step.take());
        let is_shown = io::stderr().is_terminal() && !self.console.is_quiet();
        let target = if is_shown {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        let bar = ProgressBar::with_draw_target(Some(total as u64), target);
        let style = ProgressStyle::with_template("{prefix} {pos}/{len} {elapsed} {wide_msg}");
        if let Ok(style) = style {
            bar.set_style(style);
        }
        bar.set_prefix(name);
        *step = Some(Step {
            name,
            total,
            started: Instant::now(),
            used: used(),
            bar,
        });
    }

    fn advance(&self, what: &str) {
        let Ok(step) = self.step.lock() else { return };
        if let Some(step) = &*step {
            step.bar.set_message(what.to_owned());
            step.bar.inc(1);
        }
    }

    fn warn(&self, what: &str) {
        let Ok(step) = self.step.lock() else { return };
        let warn = || self.console.warning(&what);
        match &*step {
            Some(step) => step.bar.suspend(warn),
            None => warn(),
        }
    }
}

/// Returns the processor time of this process and of the programs that it ran.
fn used() -> Duration {
    let all = [UsageWho::RUSAGE_SELF, UsageWho::RUSAGE_CHILDREN];
    let times = all.into_iter().filter_map(|who| getrusage(who).ok());
    let times = times.map(|usage| usage.user_time() + usage.system_time());
    let times = times.filter_map(|time| u64::try_from(time.num_microseconds()).ok());
    times.map(Duration::from_micros).sum()
}
