// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Builds the livepatches of the demo and the tests, and converts those that are to be converted.

use std::{
    fs,
    path::{Path, PathBuf}, //
};

use anyhow::{
    Context,
    Result, //
};

use crate::{
    image::Contents,
    kernel::{external, Kernel},
    klp_gen,
    layout,
    run, //
};

/// Which modules of a directory `klp-gen convert` gets.
enum Convert {
    All,
    /// The others stay as modpost leaves them: the kernel has to refuse them, and so would klp-gen.
    Only(&'static [&'static str]),
}

/// A directory of modules that are built outside the kernel tree.
struct Directory {
    path: &'static str,
    name: &'static str,
    convert: Convert,
}

const DIRECTORIES: [Directory; 2] = [
    Directory {
        path: "kmod/examples",
        name: "examples",
        convert: Convert::All,
    },
    Directory {
        path: "scripts/guest/modules",
        name: "test-modules",
        convert: Convert::Only(&["malformed_name", "needs_klp_sympos"]),
    },
];

/// Puts all of them where modprobe finds them, and their directories' other files into /klp.
///
/// # Errors
///
/// Fails if one does not build or cannot be converted.
pub fn add(contents: &mut Contents, kernel: &Kernel, logs: &Path) -> Result<()> {
    for directory in &DIRECTORIES {
        let source = layout::repository().join(directory.path);
        if !source.is_dir() {
            continue;
        }
        eprintln!("building the modules of {}", directory.path);
        for module in external::build(kernel, directory.name, &source, logs)? {
            let name = module.file_stem().unwrap_or_default().to_string_lossy();
            let wanted = match directory.convert {
                Convert::All => true,
                Convert::Only(names) => names.contains(&&*name),
            };
            let module = if wanted {
                convert(kernel, &module, &name, logs)?
            } else {
                module
            };
            contents.extra_modules.push(module);
        }
        for entry in fs::read_dir(&source)? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "txt") {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                contents.add(path.clone(), format!("klp/{name}"));
            }
        }
    }
    Ok(())
}

/// Resolves what a livepatch refers to, for the kernel that was built.
fn convert(kernel: &Kernel, module: &Path, name: &str, logs: &Path) -> Result<PathBuf> {
    let dir = logs.join("livepatches");
    fs::create_dir_all(&dir).with_context(|| format!("cannot create {}", dir.display()))?;
    let converted = dir.join(module.file_name().context("a module without a name")?);
    let mut convert = klp_gen::command();
    convert
        .arg("convert")
        .arg("--vmlinux")
        .arg(kernel.build.join("vmlinux"))
        .arg("--symvers")
        .arg(kernel.build.join("Module.symvers"))
        .arg("--output")
        .arg(&converted)
        .arg(module);
    run::logged(&mut convert, &logs.join(format!("convert-{name}.log")))?;
    Ok(converted)
}
