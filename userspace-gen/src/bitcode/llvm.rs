// SPDX-License-Identifier: GPL-2.0 OR MIT

//! LLVM's own tools, which read bitcode.

use super::inputs::Bitcode;
use super::text::{BitcodeNames, SymbolList};
use super::tools::{Tools, DIS, NM};
use crate::error::{Error, ErrorKind, Result};
use std::ffi::OsString;
use std::fmt::Write as _;
use std::num::NonZero;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use std::{fs, io, thread};
use tempfile::TempDir;

impl Tools {
    /// Returns the symbols of each bitcode file, in the order of `files`.
    ///
    /// # Errors
    ///
    /// `llvm-nm` is not installed, or refuses a file.
    pub fn list(&self, files: &[Bitcode]) -> Result<Vec<SymbolList>> {
        in_parts(files, |part| {
            let names = TempDir::new().map_err(temporary)?;
            let list = names.path().join("files");
            fs::write(&list, response_file(part)?).map_err(temporary)?;
            let mut nm = self.command(NM);
            // The order is kept, because the symbols of assembler follow all others.
            nm.args(["--no-sort", "--print-file-name", "--quiet"])
                .arg(prefixed("@", &list));
            let output = run(nm, || self.cure(NM))?;
            SymbolList::parse(&output, part)
        })
    }

    /// Returns the texts of some bitcode files; `wanted` has their indexes in `files`. The texts are in the
    /// order of `wanted`.
    ///
    /// # Errors
    ///
    /// `llvm-dis` is not installed, or refuses a file.
    pub fn disassemble(
        &self,
        files: &[Bitcode],
        wanted: &[usize],
    ) -> Result<Vec<(usize, BitcodeNames)>> {
        in_parts(wanted, |part| {
            // One run for many files writes each text beside its file.
            let directory = TempDir::new().map_err(temporary)?;
            let mut dis = self.command(DIS);
            for &place in part {
                let link = directory.path().join(format!("{place}.bc"));
                let file = fs::canonicalize(&files[place].path)
                    .map_err(|e| Error::io(&files[place].origin, e))?;
                symlink(file, &link).map_err(temporary)?;
                dis.arg(link);
            }
            if !part.is_empty() {
                run(dis, || self.cure(DIS))?;
            }
            let module = |&place: &usize| {
                let text = fs::read(directory.path().join(format!("{place}.ll")));
                Ok((place, BitcodeNames::parse(&text.map_err(temporary)?)))
            };
            part.iter().map(module).collect()
        })
    }
}

/// Does the work in one part for each processor, and returns the results in order.
fn in_parts<T: Sync, U: Send>(
    all: &[T],
    work: impl Fn(&[T]) -> Result<Vec<U>> + Sync,
) -> Result<Vec<U>> {
    let parts = thread::available_parallelism().map_or(1, NonZero::get);
    let length = all.len().div_ceil(parts).max(1);
    thread::scope(|scope| {
        let work = &work;
        let start = |part| scope.spawn(move || work(part));
        let workers: Vec<_> = all.chunks(length).map(start).collect();
        let mut results = Vec::with_capacity(all.len());
        for worker in workers {
            match worker.join() {
                Ok(part) => results.extend(part?),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        Ok(results)
    })
}

/// Returns the names of files in the format of `@FILE`.
fn response_file(files: &[Bitcode]) -> Result<String> {
    let mut list = String::new();
    for file in files {
        let Some(path) = file.path.to_str().filter(|path| !path.contains('\n')) else {
            let what = "expected a path in UTF-8 without a line break";
            return Err(Error::unsupported(&file.origin, what));
        };
        list.push('"');
        for c in path.chars() {
            if matches!(c, '"' | '\\') {
                list.push('\\');
            }
            list.push(c);
        }
        // Writing to a string does not fail.
        let _ = writeln!(list, "\"");
    }
    Ok(list)
}

fn prefixed(prefix: &str, path: &Path) -> OsString {
    let mut argument = OsString::from(prefix);
    argument.push(path);
    argument
}

/// Runs a program and returns its output. `cure` is appended to the message if it fails.
pub(crate) fn run(mut command: Command, cure: impl Fn() -> String) -> Result<Vec<u8>> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|e| match e.kind() {
        io::ErrorKind::NotFound => Error::io(
            &format_args!(
                "cannot run {program} (give the place of LLVM, as --llvm=-22 or --llvm=DIR/)"
            ),
            e,
        ),
        _ => Error::io(&format_args!("cannot run {program}"), e),
    })?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let stderr = String::from_utf8_lossy(&output.stderr);
    let mut message = format!("{program} failed ({})", output.status);
    let lines = stderr.lines().map(str::trim_end);
    for line in lines.filter(|line| !line.is_empty()).take(8) {
        let _ = write!(message, ": {line}");
    }
    message += &cure();
    Err(Error::new(ErrorKind::Refused, message))
}

fn temporary(error: io::Error) -> Error {
    Error::io(&"cannot write a temporary file", error)
}
