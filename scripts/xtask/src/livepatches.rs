// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Builds the livepatches of the demo and the tests, and converts those that are to be converted.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command, //
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

/// The converted module that gets other symbols, which klp-gen would not write.
const RENAMED_MODULE: &str = "malformed_name";
const RENAMED_SYMBOL: &str = ".klp.sym.vmlinux.saved_command_line,1";

/// The modules, ready to be loaded.
#[derive(Default)]
pub struct Livepatches {
    modules: Vec<PathBuf>,
}

impl Livepatches {
    /// Builds all of them.
    ///
    /// # Errors
    ///
    /// Fails if one does not build or cannot be converted.
    pub fn build(kernel: &Kernel, logs: &Path) -> Result<Self> {
        let mut livepatches = Self::default();
        for directory in &DIRECTORIES {
            let source = layout::repository().join(directory.path);
            if source.is_dir() {
                eprintln!("building the modules of {}", directory.path);
                livepatches.build_directory(directory, &source, kernel, logs)?;
            }
        }
        livepatches.add_malformed(logs)?;
        Ok(livepatches)
    }

    /// The module of this name, if there is one.
    pub fn get(&self, name: &str) -> Option<&Path> {
        self.modules
            .iter()
            .find(|module| stem(module) == name)
            .map(PathBuf::as_path)
    }

    /// Puts them where modprobe finds them, and for insmod into `/klp/modules`.
    pub fn add_to(&self, contents: &mut Contents) {
        for module in &self.modules {
            contents.extra_modules.push(module.clone());
            contents.add(module.clone(), format!("klp/modules/{}.ko", stem(module)));
        }
    }

    fn build_directory(
        &mut self,
        directory: &Directory,
        source: &Path,
        kernel: &Kernel,
        logs: &Path,
    ) -> Result<()> {
        for module in external::build(kernel, directory.name, source, logs)? {
            let wanted = match directory.convert {
                Convert::All => true,
                Convert::Only(names) => names.contains(&stem(&module).as_str()),
            };
            self.modules.push(if wanted {
                convert(kernel, &module, logs)?
            } else {
                module
            });
        }
        Ok(())
    }

    /// Adds livepatches with names that the kernel cannot read: a comma, and 512 bytes.
    ///
    /// GNU objcopy keeps a converted livepatch whole, llvm-objcopy does not.
    fn add_malformed(&mut self, logs: &Path) -> Result<()> {
        let Some(original) = self.get(RENAMED_MODULE).map(Path::to_path_buf) else {
            return Ok(());
        };
        let names = [
            ("malformed_comma", "saved,command_line".to_owned()),
            ("malformed_long", "a".repeat(512)),
        ];
        for (module, name) in names {
            let renamed = original.with_file_name(format!("{module}.ko"));
            let mut objcopy = Command::new("objcopy");
            objcopy
                .arg(format!(
                    "--redefine-sym={RENAMED_SYMBOL}=.klp.sym.vmlinux.{name},1"
                ))
                .args([&original, &renamed]);
            run::logged(&mut objcopy, &logs.join(format!("{module}.log")))?;
            self.modules.push(renamed);
        }
        Ok(())
    }
}

/// Resolves what a livepatch refers to, for the kernel that was built.
fn convert(kernel: &Kernel, module: &Path, logs: &Path) -> Result<PathBuf> {
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
    run::logged(
        &mut convert,
        &logs.join(format!("convert-{}.log", stem(module))),
    )?;
    Ok(converted)
}

fn stem(module: &Path) -> String {
    let stem = module.file_stem().unwrap_or_default();
    stem.to_string_lossy().into_owned()
}
