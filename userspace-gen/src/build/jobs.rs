// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Work in parallel, with results in order.

use crate::error::{Error, ErrorKind, Result};
use std::io;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::Mutex;
use std::thread;

use super::kbuild::Invocation;

/// Does `work` for every item, on up to `jobs` threads. After an error, no further item is started.
///
/// # Errors
///
/// The first error of an item, in the order of the items.
pub fn each<'i, T: Sync, U: Send>(
    jobs: usize,
    items: &'i [T],
    work: impl Fn(&'i T) -> Result<U> + Sync,
) -> Result<Vec<U>> {
    let (next, failed) = (AtomicUsize::new(0), AtomicBool::new(false));
    let results: Mutex<Vec<_>> = Mutex::new(Vec::with_capacity(items.len()));
    let run = || {
        while !failed.load(Ordering::Relaxed) {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(at) else { break };
            let result = work(item);
            if result.is_err() {
                failed.store(true, Ordering::Relaxed);
            }
            if let Ok(mut results) = results.lock() {
                results.push((at, result));
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..jobs.min(items.len()) {
            scope.spawn(run);
        }
    });
    let mut results = results
        .into_inner()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    results.sort_by_key(|(at, _)| *at);
    results.into_iter().map(|(_, result)| result).collect()
}

/// Runs a program in a directory, and returns its output.
///
/// # Errors
///
/// The program cannot be started.
pub fn output(invocation: &Invocation, directory: &Path) -> Result<Output> {
    let Some((program, arguments)) = invocation.words.split_first() else {
        return Err(Error::new(
            ErrorKind::Malformed,
            "cannot run an empty command",
        ));
    };
    let mut command = Command::new(program);
    command
        .args(arguments)
        .current_dir(directory)
        .env("LC_ALL", "C");
    command.output().map_err(|e| {
        let missing = if e.kind() == io::ErrorKind::NotFound {
            ", with which the kernel was built (install it, or add its directory to PATH)"
        } else {
            ""
        };
        Error::io(&format_args!("cannot run {program}{missing}"), e)
    })
}

/// Runs a program in a directory, and returns its output.
///
/// # Errors
///
/// The program cannot be started, or fails.
pub fn run(invocation: &Invocation, directory: &Path) -> Result<Vec<u8>> {
    let output = output(invocation, directory)?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let program = invocation.words.first().map_or("", String::as_str);
    let what = format!(
        "{program} failed ({}): {}",
        output.status,
        first_lines(&output.stderr)
    );
    Err(Error::new(ErrorKind::Refused, what))
}

/// Returns the first lines of a program's messages, as one line.
#[must_use]
pub fn first_lines(stderr: &[u8]) -> String {
    let text = String::from_utf8_lossy(stderr);
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let lines: Vec<_> = lines.take(6).collect();
    lines.join(": ")
}
