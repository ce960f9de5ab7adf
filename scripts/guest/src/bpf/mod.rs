// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Has the BPF verifier look a function up, by bpf(2) itself: a library would choose the BTF.

mod btf;
mod calls;

use std::{
    ffi::OsString,
    path::Path,
    process::Command, //
};

use anyhow::{
    Context,
    Result, //
};

use crate::kallsyms::VMLINUX;
use btf::Btf;
use calls::{
    LoadedProgram,
    RefusedCommand, //
};

/// The function that is looked for, and the BTF that is given.
#[derive(clap::Args)]
pub struct BtfTarget {
    /// The object whose BTF is given to the kernel: vmlinux or a module.
    #[arg(long, value_name = "OBJECT", default_value = VMLINUX)]
    btf: String,
    /// Take the function of vmlinux, with whose BTF that of a module begins.
    #[arg(long)]
    base: bool,
    /// Its name in the source.
    name: String,
}

/// Attach a program to the entry of a function, run COMMAND, and print how often the program ran.
///
/// Exit status 1 if the kernel refuses that, or if COMMAND fails.
#[derive(clap::Args)]
pub struct FentryArgs {
    #[command(flatten)]
    target: BtfTarget,
    /// The command to run while the program is attached.
    #[arg(trailing_var_arg = true, required = true)]
    command: Vec<OsString>,
}

/// Print the last 32 bits of the address that a program gets for a function.
///
/// Exit status 1 if the kernel refuses that.
#[derive(clap::Args)]
pub struct KsymArgs {
    #[command(flatten)]
    target: BtfTarget,
}

impl BtfTarget {
    /// Returns the BTF to give to the kernel, and the id of the function in it.
    fn find(&self) -> Result<(Btf, u32)> {
        let vmlinux = Btf::of_vmlinux()?;
        let (btf, id) = if self.btf == VMLINUX {
            let id = vmlinux.function(&self.name);
            (vmlinux, id)
        } else {
            let btf = Btf::of_module(&self.btf, &vmlinux)?;
            let described_by = if self.base { &vmlinux } else { &btf };
            let id = described_by.function(&self.name);
            (btf, id)
        };
        let id = id.with_context(|| format!("BTF has no function {}", self.name))?;
        Ok((btf, id))
    }
}

/// Runs the command `fentry`.
pub fn fentry(args: &FentryArgs) -> Result<bool> {
    let (btf, id) = args.target.find()?;
    let object = btf.open()?;
    let attached = LoadedProgram::fentry(object.as_ref(), id).and_then(|program| {
        let link = program.attach()?;
        Ok((program, link))
    });
    let (program, _link) = match attached {
        Ok(attached) => attached,
        Err(refusal) => return Ok(refused(&refusal)),
    };
    let (command, arguments) = args.command.split_first().context("there is no command")?;
    let _counting = calls::count_runs()?;
    let before = program.runs()?;
    let status = Command::new(command)
        .args(arguments)
        .status()
        .with_context(|| format!("cannot run {}", Path::new(command).display()))?;
    println!("runs: {}", program.runs()? - before);
    Ok(status.success())
}

/// Runs the command `ksym`.
pub fn ksym(args: &KsymArgs) -> Result<bool> {
    let (btf, id) = args.target.find()?;
    let object = btf.open()?;
    match LoadedProgram::ksym(object.as_ref(), id).and_then(|program| program.run_once()) {
        Ok(low) => println!("{low:08x}"),
        Err(refusal) => return Ok(refused(&refusal)),
    }
    Ok(true)
}

/// Says why the kernel refuses.
fn refused(refusal: &RefusedCommand) -> bool {
    println!("refused: {refusal}");
    false
}
