// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The compiler, called as kbuild called it, but with another output file.

use super::jobs::{first_lines, output};
use super::kbuild::{Invocation, Saved};
use super::kernel::KernelBuild;
use crate::error::{Error, ErrorKind, Result};
use std::fs;
use std::path::Path;

/// The option by which the compiler accepts options for headers together with preprocessed text.
///
/// distcc gives it both, and kbuild makes an error of that (`-Werror=unused-command-line-argument`).
const PREPROCESSED: &str = "-Qunused-arguments";

/// The settings with which files are compiled.
#[derive(Clone, Debug, Default)]
pub struct Compiler {
    /// A program in front of every compile line, with its arguments.
    pub launcher: Vec<String>,
    /// More options for the compiler: the overlay of the patched files.
    pub options: Vec<String>,
}

impl Compiler {
    /// Compiles a file by its saved command, and writes the result to `to`.
    ///
    /// Returns the compiler's message if it refuses the file.
    ///
    /// # Errors
    ///
    /// The compiler cannot be run, or there is no command of a compiler.
    pub fn compile(
        &self,
        kernel: &KernelBuild,
        target: &Path,
        saved: &Saved,
        to: &Path,
    ) -> Result<std::result::Result<(), String>> {
        let invocation = self.invocation(target, saved, to)?;
        let made = to.parent().map_or(Ok(()), fs::create_dir_all);
        made.map_err(|e| Error::io(&format_args!("cannot write {}", to.display()), e))?;
        let directory = saved.directory.as_deref().unwrap_or(kernel.directory());
        let output = output(&invocation, directory)?;
        if output.status.success() {
            return Ok(Ok(()));
        }
        Ok(Err(first_lines(&output.stderr)))
    }

    fn invocation(&self, target: &Path, saved: &Saved, to: &Path) -> Result<Invocation> {
        let compile = saved
            .compile()
            .filter(|compile| compile.value("-o").is_some());
        let compile = compile.or_else(|| {
            saved
                .invocations
                .iter()
                .find(|i| i.words.iter().any(|w| w == "-S"))
        });
        let Some(compile) = compile else {
            let what = format!(
                "{}: expected a saved compile line with -c and -o, found another command",
                target.display()
            );
            return Err(Error::new(ErrorKind::Unsupported, what));
        };
        let mut words = self.launcher.clone();
        for word in &compile.words {
            // Otherwise the list of dependencies would be written into the build directory.
            if word.starts_with("-Wp,-MMD") || word.starts_with("-Wp,-MD") {
                continue;
            }
            words.push(word.clone());
            if word == compile.program_word() {
                words.push(PREPROCESSED.to_owned());
                words.extend(self.options.iter().cloned());
            }
        }
        Ok(Invocation { words }.with_value("-o", to.display().to_string()))
    }
}
