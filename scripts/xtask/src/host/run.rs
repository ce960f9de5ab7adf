// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Runs external commands: each is printed before it runs, logged, and timed.

use anyhow::{bail, Context, Result};
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, IsTerminal, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// How many lines of the log a failed step shows.
const TAIL_LINES: usize = 30;
/// How much of the end of a log is read to find these lines.
const TAIL_BYTES: u64 = 16 * 1024;
/// How often a running step says so where there is no terminal.
const HEARTBEAT: Duration = Duration::from_secs(60);

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

/// Prints the command line on stderr.
pub fn announce(command: &Command) {
    eprintln!("$ {}", shell_line(command));
}

/// Runs `command` with its output in the file `log`, showing progress and elapsed time.
///
/// # Errors
///
/// Fails if the command cannot be started or ends unsuccessfully; the end of its log is then printed
/// together with the place of the whole.
pub fn logged(command: &mut Command, log: &Path) -> Result<()> {
    announce(command);
    let start = Instant::now();
    let status = wait_with_progress(command, log, start)?;
    let seconds = start.elapsed().as_secs_f32();
    if status.success() {
        eprintln!("  done in {seconds:.1} s");
        return Ok(());
    }
    eprintln!(
        "  failed after {seconds:.1} s; the end of {}:",
        log.display()
    );
    for line in tail(log)? {
        eprintln!("  | {line}");
    }
    bail!(
        "`{}` ended with {status}; the whole log is {}",
        shell_line(command),
        log.display()
    );
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

/// Runs `command` with the terminal as it is, and tells whether it succeeded.
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

fn wait_with_progress(command: &mut Command, log: &Path, start: Instant) -> Result<ExitStatus> {
    if let Some(dir) = log.parent() {
        fs::create_dir_all(dir).with_context(|| format!("cannot create {}", dir.display()))?;
    }
    let file = File::create(log).with_context(|| format!("cannot create {}", log.display()))?;
    let mut child = command
        .stdin(Stdio::null())
        .stdout(file.try_clone()?)
        .stderr(file)
        .spawn()
        .with_context(|| format!("cannot run `{}`", shell_line(command)))?;
    let terminal = io::stderr().is_terminal();
    let mut next_beat = HEARTBEAT;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        thread::sleep(Duration::from_millis(100));
        let elapsed = start.elapsed();
        if terminal {
            let last = tail(log)?.pop().unwrap_or_default();
            let last: String = last.trim().chars().take(60).collect();
            eprint!("\r\x1b[K  {:>4} s  {last}", elapsed.as_secs());
            let _ = io::stderr().flush();
        } else if elapsed >= next_beat {
            eprintln!("  {} s so far", elapsed.as_secs());
            next_beat += HEARTBEAT;
        }
    };
    if terminal {
        eprint!("\r\x1b[K");
    }
    Ok(status)
}

/// The last lines of a log.
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
        let error = logged(&mut command, &log).unwrap_err().to_string();
        assert!(error.contains("step.log"), "{error}");
        assert_eq!(tail(&log).unwrap(), ["went wrong"]);
    }
}
