// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Real fixes for `klp-gen build`: the difference between two versions of the kernel's source, file by file.
//!
//! The kernel that runs is of the newest version. A patch takes one of its C files back to an older version, so that it
//! applies, and is as large and as varied as what happened to that file in between.

mod answer;
mod load;
mod patches;

pub use answer::{Answer, AnswerKind, Built};
pub use load::load;
pub use patches::patches;

use crate::host::paths;
use crate::kernel::Kernel;
use crate::report::progress::Step;
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};

/// Builds a livepatch of each patch, until there are enough.
///
/// # Errors
///
/// Fails if klp-gen cannot be run, or its output is not what docs/schema/build.json says.
pub fn build(
    kernel: &Kernel,
    klp_gen: &Path,
    patches: &[(String, PathBuf)],
    enough: Option<usize>,
    to: &Path,
) -> Result<Vec<Built>> {
    fs::create_dir_all(to).with_context(|| format!("cannot create {}", to.display()))?;
    let mut step = Step::begin("klp-gen build", "patches", None).of(patches.len());
    let (mut all, mut built) = (Vec::new(), 0);
    for (number, (file, patch)) in patches.iter().enumerate() {
        if enough == Some(built) {
            break;
        }
        step.update(Some(number), file);
        let livepatch = to.join(format!("livepatch-{number}.ko"));
        let cache = paths::cache()?;
        let one = answer::ask(klp_gen, kernel, &cache, file, patch, livepatch)?;
        built += usize::from(one.answer.kind() == AnswerKind::Built);
        all.push(one);
    }
    step.end(Some(all.len()));
    Ok(all)
}
