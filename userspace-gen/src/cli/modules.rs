// SPDX-License-Identifier: GPL-2.0 OR MIT

//! `klp-gen modules`

use super::ui::{Console, Verdict};
use anyhow::Result;
use klp_gen::convert::named_modules::{names, NamedModules};
use klp_gen::elf::ElfFile;
use klp_gen::file::read_file;
use klp_gen::target::{module_in, ModuleLists};
use std::collections::BTreeMap;
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;

/// Find the modules that livepatches patch in a kernel's build
///
/// A livepatch names modules in its `klp_object`s and in references such as `.klp.sym.ext4.foo,0`. This
/// command prints their files, one on each line, for `--module` of the other commands. Two kinds of names
/// are refused, because the kernel would load the livepatch and patch nothing: names that no module can
/// have, and names of modules that are part of vmlinux. Makefile.livepatch runs this command.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  # the files of the modules that a livepatch patches
  $ klp-gen modules livepatch.ko --modules-order modules.order
  # the same; modules that are part of vmlinux are refused
  $ klp-gen modules livepatch.ko --modules-order modules.order --modules-builtin modules.builtin

Exit status: 0 printed, with a warning for each module that was not found; 1 a name was refused; 2 could
not run.")]
pub struct Args {
    /// The livepatches, or the objects from which they will be linked
    #[arg(value_name = "OBJECT", required = true)]
    objects: Vec<PathBuf>,

    /// modules.order of a kernel's build or of other modules; may be given several times
    #[arg(long = "modules-order", value_name = "FILE")]
    orders: Vec<PathBuf>,

    /// modules.builtin of a kernel's build: the modules that are part of vmlinux
    #[arg(long = "modules-builtin", value_name = "FILE")]
    built_in: Vec<PathBuf>,

    /// A module with a known file, which is not searched; may be given several times
    #[arg(long = "module", value_name = "FILE.ko")]
    known: Vec<PathBuf>,
}

/// Runs the command.
pub fn run(args: &Args, console: &Console) -> Result<Verdict> {
    let mut built = ModuleLists::default();
    for path in &args.orders {
        built.add_order(path)?;
    }
    for path in &args.built_in {
        built.add_built_in(path)?;
    }
    let mut named = BTreeMap::new();
    for path in &args.objects {
        let data = read_file(path)?;
        let elf = ElfFile::parse(path.display().to_string(), &data[..])?;
        elf.expect_relocatable()?;
        for (name, subject) in names(&elf)? {
            named.insert(name, format!("{}: {subject}", path.display()));
        }
    }
    for path in &args.known {
        named.remove(&module_in(path));
    }
    let found = NamedModules::find(&named, &built);
    for problem in &found.problems {
        console.error(problem);
    }
    for problem in &found.unknown {
        console.warning(problem);
    }
    if !found.problems.is_empty() {
        return Ok(Verdict::No);
    }
    console.table(|page| {
        for file in &found.files {
            page.raw().write_all(file.as_os_str().as_bytes())?;
            page.raw().write_all(b"\n")?;
        }
        Ok(())
    })?;
    Ok(Verdict::Yes)
}
