// SPDX-License-Identifier: GPL-2.0 OR MIT

//! One patch for each C file of the kernel that differs from an older version.

use crate::host::run;
use crate::kernel::Kernel;
use anyhow::{ensure, Context, Result};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Writes the patches to a directory, and returns them with the files that they change, in the order of the names.
///
/// A file that this repository changes has no patch: its older version is without that.
///
/// # Errors
///
/// Fails if a file cannot be read or written, or `diff` does not run.
pub fn patches(
    kernel: &Kernel,
    pristine: &Path,
    older: &Path,
    to: &Path,
) -> Result<Vec<(String, PathBuf)>> {
    fs::create_dir_all(to).with_context(|| format!("cannot create {}", to.display()))?;
    run::timed("make the patches", || {
        let mut all = Vec::new();
        for file in compiled(&kernel.build)? {
            let [ours, new, old] =
                [kernel.source.as_path(), pristine, older].map(|tree| fs::read(tree.join(&file)));
            let (Ok(ours), Ok(new), Ok(old)) = (ours, new, old) else {
                continue;
            };
            if ours != new || new == old {
                continue;
            }
            let patch = to.join(format!("{}.patch", file.replace('/', "_")));
            fs::write(&patch, difference(pristine, older, &file)?)
                .with_context(|| format!("cannot write {}", patch.display()))?;
            all.push((file, patch));
        }
        Ok(all)
    })
}

/// Returns the C files that a build has compiled, those for which kbuild keeps the command, in the order of the names.
fn compiled(build: &Path) -> Result<BTreeSet<String>> {
    let mut all = BTreeSet::new();
    let mut directories = vec![build.to_path_buf()];
    while let Some(directory) = directories.pop() {
        let entries = fs::read_dir(&directory)
            .with_context(|| format!("cannot read {}", directory.display()))?;
        for entry in entries {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                directories.push(entry.path());
            }
            let name = entry.file_name();
            let name = name.to_string_lossy();
            let object = name.strip_prefix('.');
            let Some(object) = object.and_then(|name| name.strip_suffix(".o.cmd")) else {
                continue;
            };
            let below = directory.strip_prefix(build)?;
            let source = below.join(format!("{object}.c"));
            all.insert(source.to_string_lossy().into_owned());
        }
    }
    Ok(all)
}

/// Returns the patch that takes a file back.
fn difference(new: &Path, old: &Path, file: &str) -> Result<Vec<u8>> {
    let mut diff = Command::new("diff");
    diff.args(["-u", "--label", &format!("a/{file}")])
        .args(["--label", &format!("b/{file}")])
        .args([new.join(file), old.join(file)]);
    let output = diff.output().context("cannot run diff")?;
    ensure!(
        output.status.code() == Some(1),
        "`{}` ended with {}",
        run::shell_line(&diff),
        output.status
    );
    let mut patch = format!("diff --git a/{file} b/{file}\n").into_bytes();
    patch.extend(output.stdout);
    Ok(patch)
}
