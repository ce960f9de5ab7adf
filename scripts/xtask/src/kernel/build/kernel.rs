// SPDX-License-Identifier: GPL-2.0 OR MIT

//! A finished build, and the calls of the tools that it was made with.

use crate::kernel::toolchain::Toolchain;
use crate::kernel::{Lane, Link};
use anyhow::{Context, Result};
use std::ffi::OsString;
use std::fs::File;
use std::path::PathBuf;
use std::process::Command;

/// A finished build.
pub struct Kernel {
    /// The source tree with patches and overlay.
    pub source: PathBuf,
    /// The build directory (`O=`).
    pub build: PathBuf,
    /// The lane that it was built for.
    pub lane: Lane,
    /// The directory that has both.
    pub(super) dir: PathBuf,
    pub(super) toolchain: Toolchain,
}

impl Kernel {
    /// `make` with everything that the kernel was built with.
    pub(super) fn make(&self) -> Command {
        self.toolchain.make(&self.source, &self.build)
    }

    /// Returns the arguments of `make` that name the kernel's tools where `LLVM=-22` and the `PATH` do not.
    pub fn other_tools(&self) -> Vec<OsString> {
        match self.lane.link {
            Link::Default => Vec::new(),
            Link::SuffixReduction | Link::Btf => self.toolchain.other_tools(),
        }
    }

    /// A tool that the kernel was built with.
    pub fn tool(&self, name: &str) -> Command {
        self.toolchain.clean(name)
    }

    /// The linker that vmlinux.o was made by, without flags.
    pub fn linker(&self) -> Command {
        self.toolchain
            .clean(&self.toolchain.linker.to_string_lossy())
    }

    /// Waits until no other process builds here; the lock ends with the file that is returned, also if
    /// this process is killed.
    pub(super) fn lock(&self) -> Result<File> {
        let lock = File::create(self.dir.join("lock"))
            .with_context(|| format!("cannot create a lock in {}", self.dir.display()))?;
        lock.lock()
            .with_context(|| format!("cannot lock {}", self.dir.display()))?;
        Ok(lock)
    }
}
