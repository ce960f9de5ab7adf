// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Runs boots, several at a time, and counts what they print.

use super::boots::Boot;
use super::expected::{self, ExpectedSuites, Suites};
use super::verify;
use crate::guest::boot::boot;
use crate::guest::image::Contents;
use crate::guest::vm::Vm;
use crate::host::history;
use crate::kernel::Kernel;
use crate::report::clock::took;
use crate::report::ktap::{self, Suite};
use crate::report::progress::{self, Step};
use crate::report::tally::Tally;
use std::fmt::Write;
use std::num::NonZero;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// The time between two looks at the boots.
const INTERVAL: Duration = Duration::from_millis(200);

/// The suites or cases that boots are held to.
#[derive(Clone, Copy)]
pub enum Hold<'h> {
    /// The suites of a file, and all of their cases.
    ExpectedSuites(&'h ExpectedSuites),
    /// The cases that are called as the pattern says.
    Cases(&'h str),
    /// The suites that they print themselves. These are expected from then on of each boot in which nothing fails.
    Bless(&'h Mutex<ExpectedSuites>),
}

/// The boots of one kernel that run.
struct RunningBoots<'r> {
    boots: &'r [&'r Boot],
    next: AtomicUsize,
    /// The results of those that have ended, in the order of the boots.
    ended: Mutex<Vec<Option<Tally>>>,
}

/// Runs the boots, one more at a time than there are processors: the longest ones sleep a lot.
pub fn run_boots(
    boots: &[&Boot],
    kernel: &Kernel,
    logs: &Path,
    contents: impl Fn(&Boot) -> Contents + Sync,
    hold: Hold<'_>,
) -> Tally {
    let workers = thread::available_parallelism().map_or(1, NonZero::get) + 1;
    let title = match boots {
        [boot] => format!("boot {} ({})", boot.name, kernel.lane),
        _ => format!("boots ({})", kernel.lane),
    };
    let running = RunningBoots {
        boots,
        next: AtomicUsize::new(0),
        ended: Mutex::new(vec![None; boots.len()]),
    };
    let mut step = Step::begin(&title, "boots", history::last(&title)).of(boots.len());
    thread::scope(|scope| {
        let workers: Vec<_> = (0..workers.min(boots.len()))
            .map(|_| {
                scope.spawn(|| {
                    while let Some((number, boot)) = running.next() {
                        let logs = logs.join(boot.name);
                        let tally = run_boot(boot, kernel, &contents(boot), hold, &logs);
                        running.ended(number, tally);
                    }
                })
            })
            .collect();
        // A worker that panicked has ended, too; the scope then ends with its panic.
        while !workers.iter().all(thread::ScopedJoinHandle::is_finished) {
            let (count, names) = running.state();
            step.update(Some(count), &names);
            thread::sleep(INTERVAL);
        }
    });
    history::keep(&title, step.end(Some(boots.len())));
    let mut sum = Tally::default();
    for tally in running.results().into_iter().flatten() {
        sum.add(tally);
    }
    sum
}

impl<'r> RunningBoots<'r> {
    fn next(&self) -> Option<(usize, &'r Boot)> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        Some((number, *self.boots.get(number)?))
    }

    /// Tells a result, and keeps it.
    fn ended(&self, number: usize, tally: Tally) {
        let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        ended[number] = Some(tally);
        let count = ended.iter().flatten().count();
        let boot = self.boots[number].name;
        let tally = ended[number].as_ref();
        let (passed, failed) = tally.map_or((0, 0), |tally| (tally.passed(), tally.failed()));
        progress::note(&format!(
            "boot {count} of {}, {boot}: {passed} passed, {failed} failed",
            self.boots.len()
        ));
    }

    /// Returns how many boots have ended, and the names of those that run.
    fn state(&self) -> (usize, String) {
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        let begun = self.next.load(Ordering::Relaxed).min(self.boots.len());
        let running = (0..begun).filter(|&number| ended[number].is_none());
        let names: Vec<_> = running.map(|number| self.boots[number].name).collect();
        (ended.iter().flatten().count(), names.join(", "))
    }

    fn results(self) -> Vec<Option<Tally>> {
        self.ended
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

fn run_boot(
    this: &Boot,
    kernel: &Kernel,
    contents: &Contents,
    hold: Hold<'_>,
    logs: &Path,
) -> Tally {
    let vm = Vm {
        kaslr: this.kaslr,
        parallel: this.parallel,
        append: format!("{} {}", kernel.lane.parameter(), this.append),
        timeout: Some(this.timeout),
        ..Vm::new(&kernel.build, logs)
    };
    match boot(&vm, contents, Some(&script(this))) {
        Ok(report) => {
            let suites = ktap::parse(&report.output);
            let failure = report.failure.as_deref();
            let tally = hold.verify(this.name, &suites, failure);
            if tally.failed() > 0 {
                let (time, logs) = (took(report.elapsed), logs.display());
                progress::note(&format!(
                    "{} failed after {time}; its logs are in {logs}",
                    this.name
                ));
            }
            tally
        }
        Err(error) => {
            let mut tally = Tally::default();
            tally.fail(format!("{}: cannot boot", this.name), format!("{error:#}"));
            tally
        }
    }
}

impl Hold<'_> {
    /// Counts what a boot printed.
    fn verify(self, boot: &str, suites: &[Suite], failure: Option<&str>) -> Tally {
        match self {
            Self::Cases(pattern) => verify::verify_some(boot, pattern, suites, failure),
            Self::ExpectedSuites(all) => {
                let none = Suites::new();
                verify::verify(boot, all.of(boot).unwrap_or(&none), suites, failure)
            }
            Self::Bless(all) => {
                let printed = expected::printed(suites);
                let tally = verify::verify(boot, &printed, suites, failure);
                if tally.failed() == 0 {
                    let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
                    all.bless(boot, printed);
                }
                tally
            }
        }
    }
}

/// Runs every script, whatever the one before did; one that ends badly fails the boot.
fn script(boot: &Boot) -> String {
    let mut script = String::from("status=0\n");
    for name in boot.scripts {
        let _ = writeln!(
            script,
            "bash /klp/tests/{name}.sh || {{ status=$?; echo \"# {name} ended with $status\"; }}"
        );
    }
    script + "exit $status\n"
}
