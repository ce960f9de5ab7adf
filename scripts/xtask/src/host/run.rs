// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Runs external commands as steps: each has a title, is logged and timed, and is printed if it fails.

use super::history;
use crate::report::progress::{self, Step};
use anyhow::{anyhow, bail, Context, Result};
use serde::{Deserialize, Serialize};
use std::fmt::{self, Write as _};
use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use wait4::Wait4;

/// The number of lines of the log that a failed step shows.
const TAIL_LINES: usize = 30;
/// The number of bytes at the end of a log that are read to find these lines.
const TAIL_BYTES: u64 = 16 * 1024;
/// The time between two looks at a step.
const INTERVAL: Duration = Duration::from_millis(100);

/// A thing that a step makes again and again, and the lines of its log that say so.
#[derive(Clone, Copy)]
pub struct Unit {
    name: &'static str,
    is_one: fn(&str) -> bool,
}

impl Unit {
    /// Objects that make says it makes: `  CC [M]  kernel/kprobes.o`.
    pub const OBJECTS: Self = Self {
        name: "objects",
        is_one: |line| {
            let extension = Path::new(line.trim_end()).extension();
            line.starts_with("  ") && extension.is_some_and(|extension| extension == "o")
        },
    };
    /// Tests that cargo has run: `test name ... ok`.
    pub const TESTS: Self = Self {
        name: "tests",
        is_one: |line| line.starts_with("test ") && line.contains(" ... "),
    };
    const NONE: Self = Self {
        name: "",
        is_one: |_| false,
    };
}

/// The resources that a command took, with all commands that it ran.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize)]
pub struct Usage {
    /// The processor time.
    pub processor: Duration,
    /// The time that passed.
    pub elapsed: Duration,
    /// The most memory that one of the processes had, in bytes.
    pub peak: u64,
}

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "processor time {:10.1} s", self.processor.as_secs_f64())?;
        writeln!(f, "elapsed time   {:10.1} s", self.elapsed.as_secs_f64())?;
        writeln!(f, "peak memory    {:10} MiB", self.peak >> 20)
    }
}

/// The command as a line that can be pasted into a shell.
pub fn shell_line(command: &Command) -> String {
    let mut line = String::new();
    if let Some(dir) = command.get_current_dir() {
        let _ = write!(line, "cd {} && ", shell_quote(&dir.to_string_lossy()));
    }
    for (key, value) in command.get_envs() {
        if let Some(value) = value {
            let value = shell_quote(&value.to_string_lossy());
            let _ = write!(line, "{}={value} ", key.to_string_lossy());
        }
    }
    line.push_str(&shell_quote(&command.get_program().to_string_lossy()));
    for arg in command.get_args() {
        line.push(' ');
        line.push_str(&shell_quote(&arg.to_string_lossy()));
    }
    line
}

/// Quotes `word` for a POSIX shell if it needs to be.
pub fn shell_quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=+/.,:@%^".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// Prints the command line, if commands are to be printed.
pub fn announce(command: &Command) {
    progress::command(&shell_line(command));
}

/// Runs `command` as the step `title` with its output in the file `log`.
///
/// # Errors
///
/// Fails if the command cannot be started or ends unsuccessfully; the command and the end of its log are then
/// printed.
pub fn logged(title: &str, command: &mut Command, log: &Path) -> Result<()> {
    counted(title, Unit::NONE, command, log)
}

/// The same, and counts in the log what the step makes.
///
/// # Errors
///
/// As [`logged`].
pub fn counted(title: &str, unit: Unit, command: &mut Command, log: &Path) -> Result<()> {
    ended(title, unit, command, log).map(|_| ())
}

/// Runs `command` as [`logged`] does, and returns what it took.
///
/// # Errors
///
/// As [`logged`].
pub fn measured(title: &str, command: &mut Command, log: &Path) -> Result<Usage> {
    ended(title, Unit::NONE, command, log)
}

/// Runs `command` as [`measured`] does, and returns how it ended beside what it took: a refusal is an answer.
///
/// # Errors
///
/// Fails if the command cannot be started.
pub fn attempted(title: &str, command: &mut Command, log: &Path) -> Result<(ExitStatus, Usage)> {
    let ended = Ended::of(title, Unit::NONE, command, log)?;
    let answer = (ended.status, ended.usage);
    ended.keep(title, log)?;
    Ok(answer)
}

fn ended(title: &str, unit: Unit, command: &mut Command, log: &Path) -> Result<Usage> {
    let ended = Ended::of(title, unit, command, log)?;
    let (status, usage) = (ended.status, ended.usage);
    if status.success() {
        ended.keep(title, log)?;
        return Ok(usage);
    }
    ended.step.fail();
    let line = shell_line(command);
    let end = tail(log)?;
    progress::details([format!("$ {line}").as_str()].into_iter());
    progress::details(end.iter().map(String::as_str));
    bail!(
        "{title}: `{}` ended with {status}; the whole log is {}",
        command.get_program().to_string_lossy(),
        log.display()
    );
}

/// Does something as the step `title`.
///
/// # Errors
///
/// Fails as `act` does.
pub fn timed<T>(title: &str, act: impl FnOnce() -> Result<T>) -> Result<T> {
    let step = Step::begin(title, "", history::last(title));
    let result = act();
    match result {
        Ok(_) => history::keep(title, step.end(None)),
        Err(_) => step.fail(),
    }
    result
}

/// Does the same with each of `items`, as the step `title`.
pub fn each<T>(
    title: &str,
    unit: &'static str,
    items: impl ExactSizeIterator<Item = T>,
    mut act: impl FnMut(T),
) {
    let all = items.len();
    let mut step = Step::begin(title, unit, history::last(title)).of(all);
    for (number, item) in items.enumerate() {
        step.update(Some(number), "");
        act(item);
    }
    history::keep(title, step.end(Some(all)));
}

/// Runs `command` quietly and returns what it wrote to stdout.
///
/// # Errors
///
/// Fails if the command cannot be started or ends unsuccessfully, with what it wrote to stderr.
pub fn captured(command: &mut Command) -> Result<String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot run `{}`", shell_line(command)))?;
    if !output.status.success() {
        bail!(
            "`{}` ended with {}: {}",
            shell_line(command),
            output.status,
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Runs `command` with the terminal as it is, and returns true if it succeeded.
///
/// # Errors
///
/// Fails if the command cannot be started.
pub fn shown(command: &mut Command) -> Result<bool> {
    announce(command);
    let status = command
        .status()
        .with_context(|| format!("cannot run `{}`", shell_line(command)))?;
    Ok(status.success())
}

/// A step whose command has ended, and the lines of its log.
struct Ended {
    step: Step,
    lines: Lines,
    status: ExitStatus,
    usage: Usage,
}

impl Ended {
    fn of(title: &str, unit: Unit, command: &mut Command, log: &Path) -> Result<Self> {
        announce(command);
        let mut step = Step::begin(title, unit.name, history::last(title));
        let mut lines = Lines::new(unit);
        match wait(command, log, &mut step, &mut lines) {
            Ok((status, usage)) => Ok(Self {
                step,
                lines,
                status,
                usage,
            }),
            Err(error) => {
                step.fail();
                Err(error)
            }
        }
    }

    /// Ends the step, and keeps how long it took.
    fn keep(mut self, title: &str, log: &Path) -> Result<()> {
        history::keep(title, self.step.end(self.lines.count(log)?));
        Ok(())
    }
}

fn wait(
    command: &mut Command,
    log: &Path,
    step: &mut Step,
    lines: &mut Lines,
) -> Result<(ExitStatus, Usage)> {
    if let Some(dir) = log.parent() {
        fs::create_dir_all(dir).with_context(|| format!("cannot create {}", dir.display()))?;
    }
    let file = File::create(log).with_context(|| format!("cannot create {}", log.display()))?;
    let begin = Instant::now();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(file.try_clone()?)
        .stderr(file)
        .spawn()
        .with_context(|| format!("cannot run `{}`", shell_line(command)))?;
    let waiting = thread::spawn(move || child.wait4().map(|used| (used, begin.elapsed())));
    while !waiting.is_finished() {
        thread::sleep(INTERVAL);
        let count = lines.count(log)?;
        let last = lines.last.chars().take(60).collect::<String>();
        step.update(count, last.trim());
    }
    let ended = waiting.join().map_err(|_| anyhow!("cannot wait"))?;
    let (used, elapsed) = ended.context("cannot wait for a command")?;
    let usage = Usage {
        processor: used.rusage.utime + used.rusage.stime,
        elapsed,
        peak: used.rusage.maxrss,
    };
    Ok((used.status, usage))
}

/// The lines of a log that grows.
struct Lines {
    unit: Unit,
    read: u64,
    count: usize,
    /// The last line, which may not be whole yet.
    last: String,
}

impl Lines {
    fn new(unit: Unit) -> Self {
        Self {
            unit,
            read: 0,
            count: 0,
            last: String::new(),
        }
    }

    /// Reads the new lines and returns how many things there are by now; none if nothing is counted.
    fn count(&mut self, log: &Path) -> Result<Option<usize>> {
        let mut file = File::open(log).with_context(|| format!("cannot open {}", log.display()))?;
        file.seek(SeekFrom::Start(self.read))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        // A line that is not whole is read again.
        let whole = bytes
            .iter()
            .rposition(|&byte| byte == b'\n')
            .map_or(0, |end| end + 1);
        let text = String::from_utf8_lossy(&bytes[..whole]);
        self.read += whole as u64;
        self.count += text.lines().filter(|line| (self.unit.is_one)(line)).count();
        if let Some(last) = text.lines().last() {
            last.clone_into(&mut self.last);
        }
        Ok((!self.unit.name.is_empty()).then_some(self.count))
    }
}

/// Returns the last lines of a log.
fn tail(log: &Path) -> Result<Vec<String>> {
    let mut file = File::open(log).with_context(|| format!("cannot open {}", log.display()))?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES)))?;
    let mut bytes = Vec::new();
    file.take(TAIL_BYTES).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<_> = text.lines().map(str::to_owned).collect();
    Ok(lines[lines.len().saturating_sub(TAIL_LINES)..].to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_only_what_needs_it() {
        assert_eq!(shell_quote("LLVM=-22"), "LLVM=-22");
        assert_eq!(shell_quote(""), "''");
        assert_eq!(shell_quote("it's"), r"'it'\''s'");
        assert_eq!(shell_quote("a b"), "'a b'");
    }

    #[test]
    fn a_failed_step_names_its_log() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("step.log");
        let mut command = Command::new("sh");
        command.args(["-c", "echo went wrong; exit 3"]);
        let error = logged("step", &mut command, &log).unwrap_err().to_string();
        assert!(error.contains("step.log"), "{error}");
        assert_eq!(tail(&log).unwrap(), ["went wrong"]);
    }

    #[test]
    fn a_step_takes_what_its_command_and_the_commands_of_that_take() {
        let dir = tempfile::tempdir().unwrap();
        let mut command = Command::new("sh");
        let program = "BEGIN { for (i = 0; i < 500000; i++) a[i] = i \"a string\" }";
        command.args(["-c", &format!("awk '{program}'; sleep 0.2; echo done")]);
        let log = dir.path().join("step.log");
        let usage = measured("measured", &mut command, &log).unwrap();
        assert!(usage.processor > Duration::from_millis(5), "{usage:?}");
        assert!(usage.elapsed > Duration::from_millis(200), "{usage:?}");
        assert!((10 << 20..1 << 30).contains(&usage.peak), "{usage:?}");
        assert_eq!(fs::read_to_string(log).unwrap(), "done\n");
    }

    #[test]
    fn a_refusal_is_an_answer() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("step.log");
        let answer = |script: &str| {
            let mut command = Command::new("sh");
            attempted("attempted", command.args(["-c", script]), &log)
                .map(|(status, _)| status.success())
        };
        assert!(answer("exit 0").unwrap());
        assert!(!answer("echo refused; exit 1").unwrap());
        assert_eq!(fs::read_to_string(&log).unwrap(), "refused\n");
    }

    #[test]
    fn what_was_taken_is_told_in_lines() {
        let usage = Usage {
            processor: Duration::from_millis(1_234_560),
            elapsed: Duration::from_millis(700_010),
            peak: 1800 << 20,
        };
        let lines = "processor time     1234.6 s\nelapsed time        700.0 s\npeak memory          1800 MiB\n";
        assert_eq!(usage.to_string(), lines);
    }

    #[test]
    fn lines_are_counted_as_they_come() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("make.log");
        let mut lines = Lines::new(Unit::OBJECTS);
        fs::write(
            &log,
            "make: Entering\n  CC      init/main.o\n  CC [M]  fs/a",
        )
        .unwrap();
        assert_eq!(lines.count(&log).unwrap(), Some(1));
        fs::write(
            &log,
            "make: Entering\n  CC      init/main.o\n  CC [M]  fs/a.o\n  LD      vmlinux\n",
        )
        .unwrap();
        assert_eq!(lines.count(&log).unwrap(), Some(2));
        assert_eq!(lines.last, "  LD      vmlinux");
    }
}
