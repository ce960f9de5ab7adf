// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Tells on stderr how far a command is: sections, and the steps in them.
//!
//! Each line begins with the time since the command began. On a terminal the last line is the step that runs, and is
//! rewritten; elsewhere a step is told when it ends, and now and then while it runs. In CI a section is a group of
//! lines that can be folded.

use super::clock::{clock, took, Last};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::env;
use std::io::{self, IsTerminal};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The time after which a step is told for the first time where there is no terminal, and the time between that and
/// the next line.
const BEATS: [Duration; 2] = [Duration::from_secs(10), Duration::from_secs(60)];
/// Shorter steps are told only if they fail.
const SHORT: Duration = Duration::from_secs(1);
/// The time from which on a step is worth waiting for, so that people are told how long.
const LONG: Duration = Duration::from_secs(5);
/// The number of times in a second that the line of a terminal is rewritten.
const REDRAWS: u8 = 5;

static VERBOSE: AtomicBool = AtomicBool::new(false);
static BEGIN: LazyLock<Instant> = LazyLock::new(Instant::now);
static STATE: Mutex<State> = Mutex::new(State {
    line: None,
    in_group: false,
});

struct State {
    /// The line of a terminal that is rewritten, while a step runs.
    line: Option<ProgressBar>,
    in_group: bool,
}

/// Begins to count the time, and says if commands are told before they run.
pub fn begin(verbose: bool) {
    LazyLock::force(&BEGIN);
    VERBOSE.store(verbose, Ordering::Relaxed);
}

/// Begins a section, which ends the one before.
pub fn section(title: &str) {
    let mut state = state();
    if is_ci() {
        state.end_group();
        state.in_group = true;
        state.print(&format!("::group::{title}"));
    } else {
        state.print(&format!("\n== {title}"));
    }
}

/// Ends the last section.
pub fn end_sections() {
    state().end_group();
}

/// Ends the last section, and says where the logs are, before results are told.
pub fn finish(logs: &Path) {
    end_sections();
    let text = format!("the logs are in {}", logs.display());
    state().print(&stamped(&text));
}

/// Tells something, with the time.
pub fn note(text: &str) {
    state().print(&stamped(text));
}

/// Tells a command, as a line for a shell, to who wants to see commands.
pub fn command(line: &str) {
    if VERBOSE.load(Ordering::Relaxed) {
        state().print(&format!("$ {line}"));
    }
}

/// Tells lines below something that was told.
pub fn details<'l>(lines: impl Iterator<Item = &'l str>) {
    let state = state();
    for line in lines {
        state.print(&format!("        {line}"));
    }
}

fn state() -> MutexGuard<'static, State> {
    // What a thread that panicked has left is a line at the most.
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn is_ci() -> bool {
    let set = |name| env::var_os(name).is_some_and(|value| !value.is_empty() && value != "false");
    set("GITHUB_ACTIONS") || set("CI")
}

fn stamped(text: &str) -> String {
    format!("[{:>5}] {text}", clock(BEGIN.elapsed()))
}

impl State {
    fn print(&self, text: &str) {
        match &self.line {
            Some(line) => line.suspend(|| eprintln!("{text}")),
            None => eprintln!("{text}"),
        }
    }

    fn end_group(&mut self) {
        if std::mem::take(&mut self.in_group) {
            self.print("::endgroup::");
        }
    }
}

/// A step that runs. One runs at a time.
pub struct Step {
    title: String,
    unit: &'static str,
    /// The time that the step took the last time.
    expected: Option<Duration>,
    /// The number of things to count, if it is known.
    all: Option<usize>,
    began: Instant,
    next_beat: Duration,
}

impl Step {
    /// Begins a step that counts `unit`s, which took as long as `last` the last time.
    pub fn begin(title: &str, unit: &'static str, last: Option<Last>) -> Self {
        if io::stderr().is_terminal() && !is_ci() {
            let target = ProgressDrawTarget::stderr_with_hz(REDRAWS);
            let line = ProgressBar::with_draw_target(None, target);
            if let Ok(style) = ProgressStyle::with_template("{wide_msg}") {
                line.set_style(style);
            }
            state().line = Some(line);
        }
        let mut step = Self {
            title: title.to_owned(),
            unit,
            expected: last.map(|last| last.time),
            all: last.and_then(|last| last.count),
            began: Instant::now(),
            next_beat: BEATS[0],
        };
        step.update(None, "");
        step
    }

    /// Says how many there are to count, where that is known and not only remembered.
    pub fn of(mut self, all: usize) -> Self {
        self.all = Some(all);
        self
    }

    /// Tells how far the step is, if it is time for that. On a terminal there is room for a detail.
    pub fn update(&mut self, count: Option<usize>, detail: &str) {
        let elapsed = self.began.elapsed();
        let beat = elapsed >= self.next_beat;
        let state = state();
        if state.line.is_none() && !beat {
            return;
        }
        let text = stamped(&self.text(elapsed, count));
        match &state.line {
            Some(line) if detail.is_empty() => line.set_message(text),
            Some(line) => line.set_message(format!("{text}  {detail}")),
            None => state.print(&text),
        }
        if beat {
            self.next_beat += BEATS[1];
        }
    }

    /// Ends a step that succeeded, and returns what it took, for the next time.
    pub fn end(self, count: Option<usize>) -> Last {
        let time = self.cleared();
        if time >= SHORT {
            let count = match count {
                Some(count) if count > 1 => format!(": {count} {}", self.unit),
                _ => String::new(),
            };
            let text = format!("{}{count}, {}", self.title, took(time));
            state().print(&stamped(&text));
        }
        Last { time, count }
    }

    /// Ends a step that failed.
    pub fn fail(self) {
        let time = self.cleared();
        let text = format!("{}: failed after {}", self.title, took(time));
        state().print(&stamped(&text));
    }

    /// Takes the line off the terminal.
    fn cleared(&self) -> Duration {
        if let Some(line) = state().line.take() {
            line.finish_and_clear();
        }
        self.began.elapsed()
    }

    fn text(&self, elapsed: Duration, count: Option<usize>) -> String {
        let count = match (count, self.all) {
            (Some(count), Some(all)) if count <= all && all > 0 => {
                format!(": {count} of {all} {}", self.unit)
            }
            (Some(count), _) if count > 0 => format!(": {count} {}", self.unit),
            _ => String::new(),
        };
        let expected = match self.expected {
            Some(time) if time >= LONG => format!(" of about {}", clock(time)),
            _ => String::new(),
        };
        format!("{}{count}, {}{expected}", self.title, clock(elapsed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(last: Option<Last>, count: Option<usize>) -> String {
        let step = Step {
            title: "build the kernel".to_owned(),
            unit: "objects",
            expected: last.map(|last| last.time),
            all: last.and_then(|last| last.count),
            began: Instant::now(),
            next_beat: BEATS[0],
        };
        step.text(Duration::from_secs(75), count)
    }

    #[test]
    fn a_step_shows_the_count_and_the_last_time_if_known() {
        let last = |count| {
            Some(Last {
                time: Duration::from_secs(700),
                count,
            })
        };
        assert_eq!(text(None, None), "build the kernel, 1:15");
        assert_eq!(text(None, Some(12)), "build the kernel: 12 objects, 1:15");
        assert_eq!(
            text(last(Some(2911)), Some(12)),
            "build the kernel: 12 of 2911 objects, 1:15 of about 11:40"
        );
        // More than the last time: the end is not known.
        assert_eq!(
            text(last(Some(11)), Some(12)),
            "build the kernel: 12 objects, 1:15 of about 11:40"
        );
    }
}
