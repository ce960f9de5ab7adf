// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Livepatches with as many livepatch relocations as wanted.

use crate::kernel::build::external;
use crate::kernel::Kernel;
use anyhow::{bail, Context, Result};
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
    let [built] = &built[..] else {
        bail!("expected one module, found {built:?}");
    };
    let converted = logs.join(format!("{module}.ko"));
    let klp_gen = Command::new(klp_gen);
    external::convert(
        kernel,
        klp_gen,
        &["--policy", "exact"],
        built,
        converted,
        logs,
    )
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
