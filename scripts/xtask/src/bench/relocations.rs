// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Livepatches with as many livepatch relocations as wanted.

use crate::host::run;
use crate::kernel::build::external;
use crate::kernel::Kernel;
use anyhow::{ensure, Context, Result};
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Builds a livepatch that refers to the first `count` of the symbols `names`, each of which is the only one
/// of its name, and converts it with `klp_gen`.
///
/// # Errors
///
/// Fails if there are too few names, or the livepatch does not build.
pub fn build(
    kernel: &Kernel,
    klp_gen: &Path,
    names: &[&str],
    count: usize,
    logs: &Path,
) -> Result<PathBuf> {
    let names = names.get(..count);
    let names = names.with_context(|| format!("expected {count} symbols to refer to"))?;
    let module = format!("relocations_{count}");
    let dir = logs.join(&module);
    fs::create_dir_all(&dir)?;
    fs::write(dir.join("Makefile"), format!("obj-m += {module}.o\n"))?;
    fs::write(dir.join(format!("{module}.c")), source(names))?;
    let built = external::build(kernel, &module, &dir, logs)?;
    ensure!(built.len() == 1, "expected one module, found {built:?}");
    let converted = logs.join(format!("{module}.ko"));
    let mut convert = Command::new(klp_gen);
    convert
        .args(["convert", "--policy", "exact", "--vmlinux"])
        .arg(kernel.build.join("vmlinux"))
        .arg("--symvers")
        .arg(kernel.build.join("Module.symvers"))
        .arg("--output")
        .arg(&converted)
        .args(built);
    run::logged(
        &format!("convert {module}"),
        &mut convert,
        &logs.join(format!("{module}.log")),
    )?;
    Ok(converted)
}

fn source(names: &[&str]) -> String {
    let mut text = String::from(
        "// SPDX-License-Identifier: GPL-2.0\n#include <linux/klp_sympos.h>\n#include <linux/module.h>\n\n",
    );
    let mut references = String::new();
    for (number, name) in names.iter().enumerate() {
        let _ = writeln!(
            text,
            "extern char symbol_{number}[] KLP_SYMPOS(vmlinux, {name}, 0);"
        );
        let _ = writeln!(references, "\tsymbol_{number},");
    }
    let _ = write!(
        text,
        "\nstatic void *references[] __used = {{\n{references}}};\n\
         \nMODULE_DESCRIPTION(\"Livepatch relocations, for cargo xtask bench\");\n\
         MODULE_LICENSE(\"GPL\");\nMODULE_INFO(livepatch, \"Y\");\n"
    );
    text
}
