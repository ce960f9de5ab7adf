// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Uses a module as the target of all commands.

use super::vmlinux::{ask, with_file};

/// Reads a module and runs all commands with it.
pub fn run(data: &[u8]) {
    with_file(data, |path| ask(None, &[path.to_owned()]));
}
