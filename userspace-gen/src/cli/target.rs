// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The options that say which kernel is meant.

use anyhow::Result;
use clap::ArgGroup;
use klp_gen::target::TargetFiles;
use klp_policy::Policy;
use std::path::PathBuf;

/// The kernel and modules that the answer is about, and the rule by which it compares names.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Target")]
#[command(group(ArgGroup::new("kernel").args(["vmlinux", "kallsyms"]).required(true)))]
pub struct TargetArgs {
    /// The vmlinux of the kernel's build, with its symbol table
    #[arg(long, value_name = "FILE")]
    vmlinux: Option<PathBuf>,

    /// A module of that kernel; may be given several times
    #[arg(long = "module", value_name = "FILE.ko")]
    modules: Vec<PathBuf>,

    /// The text of a running kernel's /proc/kallsyms, as root sees it: vmlinux and modules
    #[arg(long, value_name = "FILE")]
    kallsyms: Option<PathBuf>,

    /// How the kernel compares names: llvm with `klp_sympos`, exact on a stock kernel; llvm-cut is
    /// 6.5 to 6.10 and dot-cut 5.16 to 6.4, both with LTO
    #[arg(long, value_name = "RULE", default_value_t = Policy::Llvm, value_parser = parse_policy)]
    pub policy: Policy,
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

fn parse_policy(text: &str) -> Result<Policy, String> {
    text.parse()
        .map_err(|e: klp_policy::rule::UnknownPolicy| e.to_string())
}
