// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Modules that are built outside the kernel tree, against a finished build.

use super::kernel::Kernel;
use crate::host::run::{self, Unit};
use crate::host::{klp_gen, paths};
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Builds the modules of the directory `source` and returns them.
///
/// References that nothing satisfies are left to whoever uses the modules: those of a livepatch to
/// kernel internals are what `klp-gen convert` is for, and it refuses what it cannot resolve.
///
/// `source` stays as it is: its files are copied to a directory `name` beside the build, by content, so
/// that only what changed is built again.
///
/// # Errors
///
/// Fails if a file cannot be copied or the build fails.
pub fn build(kernel: &Kernel, name: &str, source: &Path, logs: &Path) -> Result<Vec<PathBuf>> {
    build_with(kernel, name, source, &["KBUILD_MODPOST_WARN=1"], logs)
}

/// The same with these variables for make, and those that `kmod/scripts/Makefile.livepatch` reads.
///
/// # Errors
///
/// As [`build`].
pub fn build_with(
    kernel: &Kernel,
    name: &str,
    source: &Path,
    variables: &[&str],
    logs: &Path,
) -> Result<Vec<PathBuf>> {
    let _lock = kernel.lock()?;
    let dir = directory(kernel, name);
    copy_changed(source, &dir)?;
    let mut make = make(kernel, &dir);
    make.arg(format!("KLP_GEN={}", klp_gen::program(logs)?.display()))
        .arg(format!(
            "KLP_SYMPOS={}",
            paths::repository().join("kmod").display()
        ))
        .args(variables)
        .arg("modules");
    run::counted(
        &format!("build modules: {name} ({})", kernel.lane),
        Unit::OBJECTS,
        &mut make,
        &logs.join(format!("{name}.log")),
    )?;
    let order = dir.join("modules.order");
    let order = fs::read_to_string(&order)
        .with_context(|| format!("cannot read {}, which the build writes", order.display()))?;
    Ok(order
        .lines()
        .map(|object| dir.join(object).with_extension("ko"))
        .collect())
}

/// Has a klp-gen convert `module` for the kernel, with these options, and returns the result, which is `to`.
///
/// # Errors
///
/// Fails if the module cannot be converted.
pub fn convert(
    kernel: &Kernel,
    mut klp_gen: Command,
    options: &[&str],
    module: &Path,
    to: PathBuf,
    logs: &Path,
) -> Result<PathBuf> {
    let name = module.file_stem().unwrap_or_default().to_string_lossy();
    klp_gen
        .arg("convert")
        .args(options)
        .arg("--vmlinux")
        .arg(kernel.build.join("vmlinux"))
        .arg("--symvers")
        .arg(kernel.build.join("Module.symvers"))
        .arg("--output")
        .arg(&to)
        .arg(module);
    run::logged(
        &format!("convert {name}"),
        &mut klp_gen,
        &logs.join(format!("convert-{name}.log")),
    )?;
    Ok(to)
}

/// Returns `make` for the modules of a directory.
pub fn make(kernel: &Kernel, directory: &Path) -> Command {
    let mut make = kernel.make();
    make.arg(format!("M={}", directory.display()));
    make
}

/// Returns the directory in which the modules of the directory `name` are built.
pub fn directory(kernel: &Kernel, name: &str) -> PathBuf {
    kernel.dir.join("external").join(name)
}

fn copy_changed(source: &Path, dir: &Path) -> Result<()> {
    fs::create_dir_all(dir).with_context(|| format!("cannot create {}", dir.display()))?;
    let entries =
        fs::read_dir(source).with_context(|| format!("cannot read {}", source.display()))?;
    for entry in entries {
        let entry = entry?;
        let (from, to) = (entry.path(), dir.join(entry.file_name()));
        if from.is_dir() {
            copy_changed(&from, &to)?;
            continue;
        }
        let contents =
            fs::read(&from).with_context(|| format!("cannot read {}", from.display()))?;
        if fs::read(&to).is_ok_and(|old| old == contents) {
            continue;
        }
        fs::write(&to, contents).with_context(|| format!("cannot write {}", to.display()))?;
    }
    Ok(())
}
