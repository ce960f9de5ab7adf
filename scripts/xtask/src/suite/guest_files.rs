// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The files that tests and the demo find in the guest beside the kernel and the tools.

use super::livepatches::{self, Livepatches};
use super::predict::{init_symbols, refusals};
use crate::guest::image::Contents;
use crate::host::{guest_program, klp_gen, paths, run};
use crate::kernel::build::external;
use crate::kernel::Kernel;
use anyhow::Result;
use std::fs;
use std::path::{Path, PathBuf};

/// The selftests of livepatch in the kernel tree.
const SELFTESTS: &str = "tools/testing/selftests/livepatch";
/// The selftests of livepatch in the guest.
const SELFTESTS_IN_GUEST: &str = "klp/selftests/livepatch";
/// The selftests of ftrace, and where they are in the guest.
const FTRACE_SELFTESTS: (&str, &str) = ("tools/testing/selftests/ftrace", "klp/selftests/ftrace");
/// The one program that the selftests of livepatch need compiled.
const SELFTEST_PROGRAM: &str = "test_klp-call_getpid";

/// The test scripts and the programs they call.
///
/// # Errors
///
/// Fails if `klp-guest` does not build.
pub fn scripts(logs: &Path) -> Result<Contents> {
    let guest = paths::repository().join("scripts/guest");
    let mut contents = Contents::default();
    for script in ["demo.sh", "ktap.sh", "checks", "tests"] {
        if guest.join(script).exists() {
            contents.add(guest.join(script), format!("klp/{script}"));
        }
    }
    contents.add(guest_program::build(logs)?, "usr/bin/klp-guest".to_owned());
    Ok(contents)
}

/// Everything: the scripts, the kernel's selftests, the livepatches.
///
/// # Errors
///
/// Fails if something does not build.
pub fn all(kernel: &Kernel, livepatches: &Livepatches, logs: &Path) -> Result<Contents> {
    let mut contents = scripts(logs)?;
    add_selftests(&mut contents, kernel, logs)?;
    add_fprobe_sample(&mut contents, kernel, logs)?;
    livepatches.add_to(&mut contents);
    contents.add(refusals::list(), refusals::LIST_IN_GUEST.to_owned());
    contents.add(init_symbols::list(), init_symbols::LIST_IN_GUEST.to_owned());
    add_symbol_table(&mut contents, kernel, logs)?;
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
    let (from, to) = FTRACE_SELFTESTS;
    contents.add(kernel.source.join(from), to.to_owned());
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
