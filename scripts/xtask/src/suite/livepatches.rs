// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Builds the livepatches of the demo and the tests, and converts those that are to be converted.

use super::needs::Need;
use crate::guest::image::Contents;
use crate::host::{klp_gen, paths, run};
use crate::kernel::build::external;
use crate::kernel::Kernel;
use anyhow::{Context, Result};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const EXAMPLES: &str = "kmod/examples";
/// Livepatches that `kmod/scripts/Makefile.livepatch` converts, for a kernel with `klp_sympos` and for one
/// without: their directories, the names of the builds, and the modules of [`TARGETS`] that they patch.
const LIVEPATCHES: [(Need, &str, &str, &[&str]); 3] = [
    (Need::Examples, EXAMPLES, "examples", &[]),
    (
        Need::Converted,
        "scripts/fixtures/converted",
        "converted",
        &["klp_twins", "klp_long"],
    ),
    (Need::Siblings, "scripts/fixtures/siblings", "siblings", &[]),
];
/// Modules that the tests patch and trace.
const TARGETS: &str = "scripts/fixtures/targets";
/// Livepatches written by hand. Most stay as modpost leaves them: the kernel has to refuse them, and so would klp-gen.
const WRITTEN: &str = "scripts/fixtures/livepatches";
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
    /// Each with the group that it belongs to.
    modules: Vec<(Need, PathBuf)>,
    /// Livepatches of [`LIVEPATCHES`] with exact names.
    exact: Vec<(Need, PathBuf)>,
}

impl Livepatches {
    /// Builds the groups among `needs`.
    ///
    /// # Errors
    ///
    /// Fails if one does not build or cannot be converted.
    pub fn build(kernel: &Kernel, needs: &BTreeSet<Need>, logs: &Path) -> Result<Self> {
        let mut livepatches = Self::default();
        if needs.contains(&Need::Modules) {
            livepatches.add_test_modules(kernel, logs)?;
        }
        for (need, path, name, targets) in LIVEPATCHES {
            if needs.contains(&need) {
                livepatches.build_both(kernel, need, (path, name), targets, logs)?;
            }
        }
        Ok(livepatches)
    }

    fn add_test_modules(&mut self, kernel: &Kernel, logs: &Path) -> Result<()> {
        // The builds have the names of the directories: includes between these are relative.
        let build = |name, path| {
            let source = paths::repository().join(path);
            external::build(kernel, name, &source, logs)
        };
        let targets = build("targets", TARGETS)?;
        let targets = targets.into_iter().map(|module| (Need::Modules, module));
        self.modules.extend(targets);
        for module in build("livepatches", WRITTEN)? {
            let module = if CONVERTED.contains(&stem(&module).as_str()) {
                convert(kernel, &module, logs)?
            } else {
                module
            };
            self.modules.push((Need::Modules, module));
        }
        self.add_malformed(logs)
    }

    /// Builds a directory for a kernel with `klp_sympos`, and for one without.
    fn build_both(
        &mut self,
        kernel: &Kernel,
        need: Need,
        (path, name): (&str, &str),
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
        let usual = build(name, &[&modules])?;
        self.modules
            .extend(usual.into_iter().map(|module| (need, module)));
        let exact = format!("{name}-exact");
        let exact = build(&exact, &[&modules, "KLP_FLAGS=--policy exact"])?;
        self.exact
            .extend(exact.into_iter().map(|module| (need, module)));
        Ok(())
    }

    /// The module of this name, if there is one; not one with exact names.
    pub fn get(&self, name: &str) -> Option<&Path> {
        self.modules
            .iter()
            .map(|(_, module)| module.as_path())
            .find(|module| stem(module) == name)
    }

    /// Puts those of a group where modprobe finds them, and for insmod into `/klp/modules`; those with exact
    /// names have the same names, and are only for insmod.
    pub fn add_to(&self, contents: &mut Contents, need: Need) {
        for (_, module) in self.modules.iter().filter(|(of, _)| *of == need) {
            add_module(contents, module);
        }
        for (_, module) in self.exact.iter().filter(|(of, _)| *of == need) {
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
            self.modules.push((Need::Modules, renamed));
        }
        Ok(())
    }
}

/// Builds an example as modpost leaves it: what conversion changes, and what not, is seen by that.
///
/// # Errors
///
/// Fails if it does not build.
pub fn build_unconverted(kernel: &Kernel, logs: &Path) -> Result<()> {
    let part = Excerpt {
        name: "examples-unconverted",
        from: EXAMPLES,
        files: &["livepatch_ldiscs.c"],
        makefile: "obj-m += livepatch_ldiscs.o\n",
    };
    part.build(kernel, &["KBUILD_MODPOST_WARN=1"], logs)?;
    Ok(())
}

/// A few files of a directory of modules, which are built without the others.
struct Excerpt {
    /// The name of the build.
    name: &'static str,
    /// The directory.
    from: &'static str,
    files: &'static [&'static str],
    makefile: &'static str,
}

impl Excerpt {
    fn build(&self, kernel: &Kernel, variables: &[&str], logs: &Path) -> Result<Vec<PathBuf>> {
        let source = logs.join(self.name);
        fs::create_dir_all(&source)
            .with_context(|| format!("cannot create {}", source.display()))?;
        fs::write(source.join("Makefile"), self.makefile)?;
        let from = paths::repository().join(self.from);
        for file in self.files {
            fs::copy(from.join(file), source.join(file))
                .with_context(|| format!("cannot copy {file}"))?;
        }
        external::build_with(kernel, self.name, &source, variables, logs)
    }
}

/// Builds the modules of the demo, and nothing else.
///
/// # Errors
///
/// Fails if one does not build or cannot be converted.
pub fn of_demo(kernel: &Kernel, logs: &Path) -> Result<Vec<PathBuf>> {
    let refused = Excerpt {
        name: "demo-refused",
        from: WRITTEN,
        files: &[
            "enable.h",
            "livepatch.h",
            "refused_any.c",
            "refused_ambiguous.c",
            "needs_klp_sympos.c",
        ],
        makefile: "obj-m += refused_any.o refused_ambiguous.o needs_klp_sympos.o\n",
    };
    let example = Excerpt {
        name: "demo",
        from: EXAMPLES,
        files: &["livepatch_ldiscs.c"],
        makefile: "livepatch-m += livepatch_ldiscs.o\n\ninclude $(KLP_SYMPOS)/scripts/Makefile.livepatch\n",
    };
    let mut modules = example.build(kernel, &[], logs)?;
    for module in refused.build(kernel, &["KBUILD_MODPOST_WARN=1"], logs)? {
        modules.push(if CONVERTED.contains(&stem(&module).as_str()) {
            convert(kernel, &module, logs)?
        } else {
            module
        });
    }
    Ok(modules)
}

/// Resolves what a livepatch refers to, for the kernel that was built.
fn convert(kernel: &Kernel, module: &Path, logs: &Path) -> Result<PathBuf> {
    let dir = logs.join("livepatches");
    fs::create_dir_all(&dir).with_context(|| format!("cannot create {}", dir.display()))?;
    let converted = dir.join(module.file_name().context("a module without a name")?);
    external::convert(kernel, klp_gen::command(), &[], module, converted, logs)
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
