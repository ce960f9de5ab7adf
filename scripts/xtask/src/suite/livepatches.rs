// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Builds the livepatches of the demo and the tests, and converts those that are to be converted.

use crate::guest::image::Contents;
use crate::host::{klp_gen, paths, run};
use crate::kernel::build::external;
use crate::kernel::Kernel;
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const EXAMPLES: &str = "kmod/examples";
/// Livepatches that `kmod/scripts/Makefile.livepatch` converts, for a kernel with `klp_sympos` and for one
/// without: their directories, the names of the builds, and the modules of [`TEST_MODULES`] that they patch.
const LIVEPATCHES: [(&str, &str, &[&str]); 3] = [
    (EXAMPLES, "examples", &[]),
    (
        "scripts/guest/livepatches",
        "livepatches",
        &["klp_twins", "klp_long"],
    ),
    ("scripts/guest/siblings", "siblings", &[]),
];
/// Modules for tests. Most stay as modpost leaves them: the kernel has to refuse them, and so would klp-gen.
const TEST_MODULES: &str = "scripts/guest/modules";
/// Those of them that are converted.
const CONVERTED: [&str; 2] = ["malformed_name", "needs_klp_sympos"];

/// The converted module that gets other symbols, which klp-gen would not write.
const RENAMED_MODULE: &str = "malformed_name";
const RENAMED_SYMBOL: &str = ".klp.sym.vmlinux.saved_command_line,1";

/// The directory of the guest with the livepatches that need no `klp_sympos`.
const EXACT_IN_GUEST: &str = "klp/modules/exact";

/// The modules, ready to be loaded.
#[derive(Default)]
pub struct Livepatches {
    modules: Vec<PathBuf>,
    /// Livepatches of [`LIVEPATCHES`] with exact names.
    exact: Vec<PathBuf>,
}

impl Livepatches {
    /// Builds all of them.
    ///
    /// # Errors
    ///
    /// Fails if one does not build or cannot be converted.
    pub fn build(kernel: &Kernel, logs: &Path) -> Result<Self> {
        let mut livepatches = Self::default();
        let source = paths::repository().join(TEST_MODULES);
        // Includes between the directories of the guest's modules are relative.
        for module in external::build(kernel, "modules", &source, logs)? {
            livepatches
                .modules
                .push(if CONVERTED.contains(&stem(&module).as_str()) {
                    convert(kernel, &module, logs)?
                } else {
                    module
                });
        }
        livepatches.add_malformed(logs)?;
        for (path, name, targets) in LIVEPATCHES {
            livepatches.build_both(kernel, path, name, targets, logs)?;
        }
        build_unconverted(kernel, &paths::repository().join(EXAMPLES), logs)?;
        Ok(livepatches)
    }

    /// Builds a directory for a kernel with `klp_sympos`, and for one without.
    fn build_both(
        &mut self,
        kernel: &Kernel,
        path: &str,
        name: &str,
        targets: &[&str],
        logs: &Path,
    ) -> Result<()> {
        let mut modules = Vec::new();
        for target in targets {
            let file = self.get(target);
            let file = file.with_context(|| format!("{path}: {target} was not built"))?;
            modules.push(file.display().to_string());
        }
        let modules = format!("KLP_MODULES={}", modules.join(" "));
        let source = paths::repository().join(path);
        let build = |name: &str, variables: &[&str]| {
            external::build_with(kernel, name, &source, variables, logs)
        };
        self.modules.extend(build(name, &[&modules])?);
        let exact = format!("{name}-exact");
        let exact = build(&exact, &[&modules, "KLP_FLAGS=--policy exact"])?;
        self.exact.extend(exact);
        Ok(())
    }

    /// The module of this name, if there is one; not one with exact names.
    pub fn get(&self, name: &str) -> Option<&Path> {
        self.modules
            .iter()
            .find(|module| stem(module) == name)
            .map(PathBuf::as_path)
    }

    /// Puts them where modprobe finds them, and for insmod into `/klp/modules`; those with exact names
    /// have the same names, and are only for insmod.
    pub fn add_to(&self, contents: &mut Contents) {
        for module in &self.modules {
            add_module(contents, module);
        }
        for module in &self.exact {
            let to = format!("{EXACT_IN_GUEST}/{}.ko", stem(module));
            contents.add(module.clone(), to);
        }
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
            run::logged(
                "rename a symbol",
                &mut objcopy,
                &logs.join(format!("{module}.log")),
            )?;
            self.modules.push(renamed);
        }
        Ok(())
    }
}

/// Builds an example as modpost leaves it: what conversion changes, and what not, is seen by that.
fn build_unconverted(kernel: &Kernel, examples: &Path, logs: &Path) -> Result<()> {
    let source = logs.join("examples-unconverted");
    fs::create_dir_all(&source).with_context(|| format!("cannot create {}", source.display()))?;
    fs::write(source.join("Makefile"), "obj-m += livepatch_ldiscs.o\n")?;
    let file = "livepatch_ldiscs.c";
    fs::copy(examples.join(file), source.join(file))
        .with_context(|| format!("cannot copy {file}"))?;
    external::build(kernel, "examples-unconverted", &source, logs)?;
    Ok(())
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
        &format!("convert {}", stem(module)),
        &mut convert,
        &logs.join(format!("convert-{}.log", stem(module))),
    )?;
    Ok(converted)
}

/// Puts one module where modprobe finds it, and for insmod into `/klp/modules`.
pub fn add_module(contents: &mut Contents, module: &Path) {
    contents.extra_modules.push(module.to_path_buf());
    contents.add(
        module.to_path_buf(),
        format!("klp/modules/{}.ko", stem(module)),
    );
}

fn stem(module: &Path) -> String {
    let stem = module.file_stem().unwrap_or_default();
    stem.to_string_lossy().into_owned()
}
