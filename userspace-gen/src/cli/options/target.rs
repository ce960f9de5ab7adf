// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The options for the kernel and its modules.

use super::rule;
use anyhow::Result;
use clap::ArgGroup;
use klp_gen::target::{Symvers, TargetFiles};
use klp_policy::Policy;
use std::path::{Path, PathBuf};

/// The kernel and its modules, and the rule by which the kernel compares names.
#[derive(Debug, clap::Args)]
#[command(group(ArgGroup::new("kernel").args(["vmlinux", "kallsyms"]).required(true).multiple(true)))]
pub struct TargetArgs {
    #[command(flatten)]
    files: FileArgs,

    /// The rule by which the kernel compares names
    #[arg(long, value_name = "RULE", help_heading = "Target", default_value_t = Policy::Llvm, value_parser = rule::parser())]
    pub policy: Policy,
}

/// The files that describe a kernel and its modules.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Target")]
pub struct FileArgs {
    /// The vmlinux of the kernel's build, with its symbol table
    #[arg(long, value_name = "FILE")]
    vmlinux: Option<PathBuf>,

    /// A module of that kernel; may be given several times
    #[arg(long = "module", value_name = "FILE.ko")]
    modules: Vec<PathBuf>,

    /// vmlinux.a of the same build, to find symbols by source file
    #[arg(long, value_name = "FILE", requires = "vmlinux")]
    link_order: Option<PathBuf>,

    /// A copy of a running kernel's /proc/kallsyms, made by root: vmlinux and modules
    #[arg(long, value_name = "FILE")]
    kallsyms: Option<PathBuf>,
}

/// The exports of modules that are not given.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Target")]
pub struct SymversArgs {
    /// Module.symvers of a build, for the exports of modules that are not given; may be given several times
    #[arg(long, value_name = "FILE")]
    symvers: Vec<PathBuf>,
}

impl SymversArgs {
    /// Reads the files.
    pub fn open(&self) -> Result<Symvers> {
        Ok(Symvers::open(&self.symvers)?)
    }

    /// Returns the paths of the files.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.symvers.iter().map(PathBuf::as_path)
    }
}

impl TargetArgs {
    /// Opens the files.
    pub fn open(&self) -> Result<TargetFiles> {
        self.files.open()
    }

    /// Returns the paths of the files.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        let files = &self.files;
        let single = [&files.vmlinux, &files.link_order, &files.kallsyms];
        let all = files.modules.iter().chain(single.into_iter().flatten());
        all.map(PathBuf::as_path)
    }
}

impl FileArgs {
    /// Returns true if no file is given.
    pub fn is_empty(&self) -> bool {
        self.vmlinux.is_none() && self.modules.is_empty() && self.kallsyms.is_none()
    }

    /// Opens the files.
    pub fn open(&self) -> Result<TargetFiles> {
        let files = TargetFiles::open(
            self.vmlinux.as_deref(),
            &self.modules,
            self.kallsyms.as_deref(),
        )?;
        Ok(match &self.link_order {
            Some(archive) => files.with_link_order(archive)?,
            None => files,
        })
    }
}
