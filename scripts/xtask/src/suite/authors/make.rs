// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Calls `make` as an author of livepatches does.

use crate::host::paths;
use crate::kernel::Kernel;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The argument that makes `make` use the compilers of the test kernel.
pub const LLVM: &str = "LLVM=-22";

/// A kernel's build, and a `klp-gen` for it.
pub struct AuthorMake<'k> {
    /// The kernel.
    pub kernel: &'k Kernel,
    /// The program.
    pub klp_gen: PathBuf,
}

impl AuthorMake<'_> {
    /// `make` in a directory, without anything that says which compiler or kernel is meant.
    pub fn bare(&self, directory: &Path) -> Command {
        let mut make = self.kernel.tool("make");
        make.arg("-C")
            .arg(directory)
            .arg(format!("KLP_GEN={}", self.klp_gen.display()))
            .arg(format!(
                "KLP_SYMPOS={}",
                paths::repository().join("kmod").display()
            ))
            .arg("-j2");
        make
    }

    /// `make` in a directory, with what the guide says one has to say.
    pub fn command(&self, directory: &Path) -> Command {
        let mut make = self.bare(directory);
        make.arg(format!("KDIR={}", self.kernel.build.display()))
            .arg(LLVM)
            .args(self.kernel.other_tools());
        make
    }
}
