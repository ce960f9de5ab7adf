// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Builds the source after each patch of a series: what the patch touches, in a scratch tree of its own.
//!
//! Somebody who bisects a kernel stops between any two patches, so each has to build without those that
//! follow. Only the objects of touched files are built, with warnings as errors; the kernel as a whole is
//! what [`crate::kernel::prepare`] builds.

use super::config;
use super::kernel::Kernel;
use crate::host::run::{self, Unit};
use crate::host::{packages, paths};
use crate::kernel::changes::overlay::MODULE_DIRECTORY;
use crate::kernel::changes::{patches, Changes};
use crate::kernel::lane::Lane;
use crate::kernel::link::Link;
use crate::kernel::source::Source;
use crate::kernel::toolchain::Toolchain;
use crate::report::progress;
use crate::report::tally::Tally;
use anyhow::{Context, Result};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The kernel's livepatch selftests, which are modules outside of the kernel's build.
const TEST_MODULES: &str = "tools/testing/selftests/livepatch/test_modules";

/// The argument of `make` that builds the module.
const MODULE_TARGET: &str = "kernel/livepatch/klp_sympos/";

/// A scratch tree, and the build of it.
pub struct Steps<'a> {
    source: &'a Source,
    kernel: Kernel,
    fragments: config::Fragments,
    logs: &'a Path,
}

impl<'a> Steps<'a> {
    /// Makes the tree, anew.
    ///
    /// # Errors
    ///
    /// Fails if something is missing on this machine, or a file cannot be written.
    pub fn new(source: &'a Source, logs: &'a Path) -> Result<Self> {
        packages::ensure(source.series.packages(), logs)?;
        let lane = Lane::linked(&source.series, Link::Default)?;
        let toolchain = Toolchain::ensure(lane.link, &source.series.tools, logs)?;
        let dir = paths::cache()?.join("steps");
        if dir.exists() {
            fs::remove_dir_all(&dir).with_context(|| format!("cannot remove {}", dir.display()))?;
        }
        fs::create_dir_all(&dir).with_context(|| format!("cannot create {}", dir.display()))?;
        let kernel = Kernel {
            source: dir.join("source"),
            build: dir.join("build"),
            lane,
            dir,
            toolchain,
        };
        source.mirror(&kernel.source, &BTreeSet::new())?;
        Ok(Self {
            source,
            kernel,
            fragments: config::Fragments::read(source.series.configs(Link::Default))?,
            logs,
        })
    }

    /// Builds after each patch of a series that is applied to the untouched source with the patches
    /// `before`.
    ///
    /// # Errors
    ///
    /// Fails if a patch does not apply, or a tool cannot be run.
    pub fn build(&self, before: &[PathBuf], series: &[PathBuf], tally: &mut Tally) -> Result<()> {
        for (n, patch) in series.iter().enumerate() {
            let applied = [before, &series[..=n]].concat();
            let files = patches::apply(&applied, &self.source.pristine)?;
            Changes { files }.sync(&self.source.pristine, &self.kernel.source, &self.kernel.dir)?;
            let text = fs::read_to_string(patch)
                .with_context(|| format!("cannot read {}", patch.display()))?;
            let touched: BTreeSet<_> = patches::touched_by(&text).collect();
            let name = name(patch);
            match self.step(&name, &touched, n == 0) {
                Ok(()) => tally.pass(),
                Err(error) => tally.fail(name, format!("{error:#}")),
            }
        }
        Ok(())
    }

    fn step(&self, name: &str, touched: &BTreeSet<String>, first: bool) -> Result<()> {
        let mut what = targets(touched);
        // Files of the module that a later patch names to kbuild.
        let makefile = self.kernel.source.join(MODULE_TARGET).join("Makefile");
        if !makefile.exists() {
            what.remove(MODULE_TARGET);
        }
        let what: Vec<_> = what.into_iter().collect();
        let tests = touched.iter().any(|path| path.starts_with(TEST_MODULES));
        let configuration = touched.iter().any(|path| is_configuration(path));
        let said = if what.is_empty() {
            "nothing to build".to_owned()
        } else {
            what.join(" ")
        };
        progress::section(&format!("{name}: {said}"));
        let logs = self.logs.join(name);
        fs::create_dir_all(&logs).with_context(|| format!("cannot create {}", logs.display()))?;
        if first || configuration {
            config::merge(&self.kernel, &self.fragments, &logs)?;
        }
        if !what.is_empty() {
            let mut make = self.kernel.make();
            run::counted(
                &format!("build after {name}"),
                Unit::OBJECTS,
                make.arg("W=e").args(what),
                &logs.join("build.log"),
            )?;
        }
        if tests {
            run::logged(
                "prepare the test modules",
                self.kernel.make().arg("modules_prepare"),
                &logs.join("prepare.log"),
            )?;
            let mut make = self.kernel.make();
            let modules = self.kernel.source.join(TEST_MODULES);
            make.arg(format!("M={}", modules.display()))
                // There is no kernel that they could be linked against.
                .args(["W=e", "KBUILD_MODPOST_WARN=1", "modules"]);
            run::logged(
                "build the test modules",
                &mut make,
                &logs.join("test-modules.log"),
            )?;
        }
        Ok(())
    }
}

fn name(patch: &Path) -> String {
    let series = patch.parent().and_then(Path::file_name);
    let series = series.unwrap_or_default().to_string_lossy();
    let patch = patch.file_stem().unwrap_or_default().to_string_lossy();
    format!("{series}/{patch}")
}

/// Returns whether a file decides what is built, or how.
fn is_configuration(path: &str) -> bool {
    let file = path.rsplit('/').next().unwrap_or(path);
    path == "Makefile" || file.starts_with("Kconfig")
}

/// Returns the arguments of `make` that build what is made of these files.
fn targets(touched: &BTreeSet<String>) -> BTreeSet<String> {
    touched.iter().filter_map(|path| target(path)).collect()
}

fn target(path: &str) -> Option<String> {
    if path.starts_with(MODULE_DIRECTORY) {
        return Some(MODULE_TARGET.to_owned());
    }
    if path.starts_with("tools/") || path.starts_with("Documentation/") || path == "MAINTAINERS" {
        return None;
    }
    match path.rsplit_once('.') {
        // The files of rust/helpers are included by one that `prepare` compiles.
        Some((stem, "c")) if !path.starts_with("rust/") => Some(format!("{stem}.o")),
        // Of headers the users count, which are C files of the same patch, or the bindings; those and
        // the abstractions are built by this target, as everything that objects need.
        _ => Some("prepare".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_file_has_its_target() {
        for (path, wanted) in [
            ("kernel/kallsyms.c", Some("kernel/kallsyms.o")),
            ("include/linux/kallsyms.h", Some("prepare")),
            ("rust/kernel/lib.rs", Some("prepare")),
            ("rust/helpers/debugfs.c", Some("prepare")),
            ("arch/Kconfig", Some("prepare")),
            (
                "kernel/livepatch/klp_sympos/policy/mod.rs",
                Some("kernel/livepatch/klp_sympos/"),
            ),
            ("Documentation/livepatch/index.rst", None),
            ("tools/testing/selftests/livepatch/test-alias.sh", None),
            ("MAINTAINERS", None),
        ] {
            assert_eq!(target(path).as_deref(), wanted, "{path}");
        }
        assert!(is_configuration("Makefile") && is_configuration("kernel/livepatch/Kconfig"));
        assert!(!is_configuration("kernel/livepatch/Makefile"));
    }
}
