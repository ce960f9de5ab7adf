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

/// The examples, which `kmod/scripts/Makefile.livepatch` converts.
const EXAMPLES: &str = "kmod/examples";
/// Modules for tests. Most stay as modpost leaves them: the kernel has to refuse them, and so would klp-gen.
const TEST_MODULES: &str = "scripts/guest/modules";
/// Those of them that are converted.
const CONVERTED: [&str; 2] = ["malformed_name", "needs_klp_sympos"];

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
        eprintln!("building the modules of {EXAMPLES}");
        let examples = layout::repository().join(EXAMPLES);
        livepatches.modules = external::build_with(kernel, "examples", &examples, &[], logs)?;
        build_unconverted(kernel, &examples, logs)?;
        eprintln!("building the modules of {TEST_MODULES}");
        let source = layout::repository().join(TEST_MODULES);
        for module in external::build(kernel, "test-modules", &source, logs)? {
            livepatches
                .modules
                .push(if CONVERTED.contains(&stem(&module).as_str()) {
                    convert(kernel, &module, logs)?
                } else {
                    module
                });
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
            add_module(contents, module);
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
            run::logged(&mut objcopy, &logs.join(format!("{module}.log")))?;
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
