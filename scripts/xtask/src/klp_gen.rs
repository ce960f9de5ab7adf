// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Calls the workspace's own `klp-gen`.

use std::{
    env,
    process::Command, //
};

use crate::layout;

/// `klp-gen`, built if it is not up to date.
pub fn command() -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(layout::repository()).args([
        "run",
        "--quiet",
        "--package",
        "klp-gen",
        "--",
    ]);
    command
}
