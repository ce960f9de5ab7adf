// SPDX-License-Identifier: GPL-2.0 OR MIT

//! One boot: the image is written, the guest runs, the image goes.

use super::image::{self, Contents};
use super::vm::{Vm, VmRun};
use anyhow::Result;
use std::fs;

/// Boots with these files; the guest runs `script`, or an interactive shell without one.
///
/// # Errors
///
/// Fails if the image cannot be written, or QEMU cannot be run.
pub fn boot(vm: &Vm, contents: &Contents, script: Option<&str>) -> Result<VmRun> {
    let written = image::write(&vm.build, contents, script, &vm.image);
    let ran = written.and_then(|()| vm.run());
    // Several times the size of all logs.
    let _ = fs::remove_file(&vm.image);
    ran
}
