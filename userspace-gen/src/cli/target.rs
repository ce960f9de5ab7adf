// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The options that say which kernel is meant.

use anyhow::Result;
use klp_gen::target::TargetFiles;
use klp_policy::Policy;
use std::path::PathBuf;

/// The kernel and modules that the answer is about.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Target")]
pub struct TargetArgs {
    /// The vmlinux of the kernel's build, with its symbol table
    #[arg(long, value_name = "FILE", required_unless_present = "kallsyms")]
    vmlinux: Option<PathBuf>,

    /// A module of that kernel; may be given several times
    #[arg(long = "module", value_name = "FILE.ko")]
    modules: Vec<PathBuf>,

    /// The text of a running kernel's /proc/kallsyms, as root sees it: vmlinux and modules
    #[arg(long, value_name = "FILE", conflicts_with = "vmlinux")]
    kallsyms: Option<PathBuf>,
}

impl TargetArgs {
    /// Opens the files.
    pub fn open(&self) -> Result<TargetFiles> {
        Ok(TargetFiles::open(
            self.vmlinux.as_deref(),
            &self.modules,
            self.kallsyms.as_deref(),
        )?)
    }
}

/// The rule by which names are compared.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct PolicyArg {
    /// How the kernel compares names: llvm with `klp_sympos`, exact on a stock kernel; llvm-cut is
    /// 6.5 to 6.10 and dot-cut 5.16 to 6.4, both with LTO
    #[arg(long, value_name = "RULE", default_value_t = Policy::Llvm, value_parser = parse_policy)]
    pub policy: Policy,
}

fn parse_policy(text: &str) -> Result<Policy, String> {
    text.parse()
        .map_err(|e: klp_policy::rule::UnknownPolicy| e.to_string())
}
