// SPDX-License-Identifier: GPL-2.0 OR MIT

//! A module, as a target of everything.

use super::vmlinux::{ask, with_file};

/// Reads a module and asks what is asked of one.
pub fn run(data: &[u8]) {
    with_file(data, |path| ask(None, &[path.to_owned()]));
}
