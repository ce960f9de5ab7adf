// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The files that tests and the demo find in the guest beside the kernel and the tools.

use super::authors::guide::Reader;
use super::clients;
use super::livepatches::{self, Livepatches};
use super::needs::Need;
use super::predict::{init_symbols, refusals};
use super::source_patches;
use super::variants::Variants;
use crate::guest::image::Contents;
use crate::host::{guest_program, klp_gen, paths, run};
use crate::kernel::build::external;
use crate::kernel::Kernel;
use crate::report::tally::Tally;
use anyhow::Result;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The selftests of livepatch in the kernel tree.
const SELFTESTS: &str = "tools/testing/selftests/livepatch";
/// The selftests of livepatch in the guest.
const SELFTESTS_IN_GUEST: &str = "klp/selftests/livepatch";
/// The selftests of ftrace, and where they are in the guest.
const FTRACE_SELFTESTS: (&str, &str) = ("tools/testing/selftests/ftrace", "klp/selftests/ftrace");
/// The program for what a shell cannot do.
const PROGRAM: &str = "usr/bin/klp-guest";
/// The one program that the selftests of livepatch need compiled.
const SELFTEST_PROGRAM: &str = "test_klp-call_getpid";

/// The files that were built, by the group that they belong to.
pub struct GuestFiles {
    groups: BTreeMap<Need, Contents>,
    /// The modules, for tests without a guest.
    pub livepatches: Livepatches,
    /// The derived livepatches, if they are among the files.
    pub variants: Option<Variants>,
    /// The answers of `klp-gen build` to source patches.
    pub source_patches: Tally,
}

impl GuestFiles {
    /// Builds what `needs` names, and nothing else.
    ///
    /// # Errors
    ///
    /// Fails if something does not build.
    pub fn build(kernel: &Kernel, needs: &BTreeSet<Need>, logs: &Path) -> Result<Self> {
        let mut all = needs.clone();
        all.extend(needs.iter().flat_map(|need| need.made_of()));
        let mut files = Self {
            groups: BTreeMap::new(),
            livepatches: Livepatches::build(kernel, &all, logs)?,
            variants: None,
            source_patches: Tally::default(),
        };
        for need in all {
            let contents = files.group(need, kernel, logs)?;
            files.groups.insert(need, contents);
        }
        Ok(files)
    }

    /// Returns the files of a guest: the scripts, and the groups that it needs.
    pub fn of(&self, needs: &[Need]) -> Contents {
        let mut contents = scripts();
        for group in needs.iter().filter_map(|need| self.groups.get(need)) {
            contents.extend(group);
        }
        contents
    }

    fn group(&mut self, need: Need, kernel: &Kernel, logs: &Path) -> Result<Contents> {
        let mut contents = Contents::default();
        match need {
            Need::Program => contents.add(guest_program::build(logs)?, PROGRAM.to_owned()),
            Need::Modules => {
                self.livepatches.add_to(&mut contents, need);
                contents.add(refusals::list(), refusals::LIST_IN_GUEST.to_owned());
                contents.add(init_symbols::list(), init_symbols::LIST_IN_GUEST.to_owned());
            }
            Need::Examples | Need::Converted | Need::Siblings => {
                self.livepatches.add_to(&mut contents, need);
            }
            Need::Guide => {
                // The tests of the guide, which come before the boots, clean the directory that is theirs.
                let logs = logs.join("guest-guide");
                let reader = Reader::new(kernel, &logs)?;
                livepatches::add_module(&mut contents, &reader.build()?);
                for module in reader.build_examples()? {
                    livepatches::add_module(&mut contents, &module);
                }
            }
            Need::LivepatchSelftests => add_selftests(&mut contents, kernel, logs)?,
            Need::FtraceSelftests => {
                let (from, to) = FTRACE_SELFTESTS;
                contents.add(kernel.source.join(from), to.to_owned());
            }
            Need::FprobeSample => add_fprobe_sample(&mut contents, kernel, logs)?,
            Need::SymbolTable => add_symbol_table(&mut contents, kernel, logs)?,
            Need::Variants => {
                livepatches::build_unconverted(kernel, logs)?;
                let variants = Variants::derive(kernel, logs)?;
                variants.add_to(&mut contents);
                self.variants = Some(variants);
            }
            Need::Clients => clients::add(&mut contents, kernel, logs)?,
            Need::SourcePatches => {
                source_patches::add(&mut contents, kernel, &mut self.source_patches, logs)?;
            }
        }
        Ok(contents)
    }
}

/// Returns the test scripts.
pub fn scripts() -> Contents {
    let guest = paths::repository().join("scripts/guest");
    let mut contents = Contents::default();
    for script in ["demo.sh", "ktap.sh", "checks", "tests"] {
        contents.add(guest.join(script), format!("klp/{script}"));
    }
    contents
}

/// Returns the test scripts and `klp-guest`.
///
/// # Errors
///
/// Fails if `klp-guest` does not build.
pub fn scripts_and_program(logs: &Path) -> Result<Contents> {
    let mut contents = scripts();
    contents.add(guest_program::build(logs)?, PROGRAM.to_owned());
    Ok(contents)
}

/// Adds klp-gen's symbol table of the kernel, for a comparison in the guest.
fn add_symbol_table(contents: &mut Contents, kernel: &Kernel, logs: &Path) -> Result<()> {
    let table = logs.join("symbols.json");
    let mut symbols = klp_gen::command();
    symbols
        .args(["symbols", "--format", "json", "--vmlinux"])
        .arg(kernel.build.join("vmlinux"));
    run::announce(&symbols);
    fs::write(&table, run::captured(&mut symbols)?)?;
    contents.add(table, "klp/symbols.json".to_owned());
    Ok(())
}

/// The modules of the kernel's selftests.
///
/// # Errors
///
/// Fails if one does not build.
pub fn selftest_modules(kernel: &Kernel, logs: &Path) -> Result<Vec<PathBuf>> {
    let source = kernel.source.join(SELFTESTS).join("test_modules");
    external::build(kernel, "livepatch-selftests", &source, logs)
}

fn add_selftests(contents: &mut Contents, kernel: &Kernel, logs: &Path) -> Result<()> {
    let source = kernel.source.join(SELFTESTS);
    contents.add(source.clone(), SELFTESTS_IN_GUEST.to_owned());
    for module in selftest_modules(kernel, logs)? {
        let to = format!("{SELFTESTS_IN_GUEST}/test_modules/{}", file_name(&module));
        contents.add(module, to);
    }
    let program = logs.join(SELFTEST_PROGRAM);
    let mut compiler = kernel.tool("clang-22");
    compiler
        .args(["-O2", "-static", "-o"])
        .arg(&program)
        .arg(source.join(SELFTEST_PROGRAM).with_extension("c"));
    run::logged(
        "build the selftests' program",
        &mut compiler,
        &logs.join("selftest-program.log"),
    )?;
    contents.add(program, format!("{SELFTESTS_IN_GUEST}/{SELFTEST_PROGRAM}"));
    Ok(())
}

/// The kernel's own user of `register_fprobe_syms()`.
fn add_fprobe_sample(contents: &mut Contents, kernel: &Kernel, logs: &Path) -> Result<()> {
    let source = kernel.source.join("samples/fprobe");
    let variables = ["CONFIG_SAMPLE_FPROBE=m"];
    for module in external::build_with(kernel, "fprobe-sample", &source, &variables, logs)? {
        livepatches::add_module(contents, &module);
    }
    Ok(())
}

fn file_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    PathBuf::from(name).display().to_string()
}
