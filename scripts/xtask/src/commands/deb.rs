// SPDX-License-Identifier: GPL-2.0 OR MIT

//! `cargo xtask deb`: klp-gen as a package of Debian.

use crate::host::{klp_gen, paths, run};
use crate::report::outcome::Outcome;
use anyhow::{ensure, Context, Result};
use std::env;
use std::fs;
use std::process::{Command, Stdio};

/// The directory from which `package.metadata.deb` of klp-gen takes what is generated.
const GENERATED: &str = "target/deb";

/// The completions that the package has: a shell, and the name of its file.
const COMPLETIONS: [(&str, &str); 3] = [
    ("bash", "klp-gen.bash"),
    ("zsh", "_klp-gen"),
    ("fish", "klp-gen.fish"),
];

/// Make a package of Debian: klp-gen, its man pages and completions; needs cargo-deb.
#[derive(clap::Args)]
pub struct Args {}

/// Runs the command.
pub fn run(_args: &Args) -> Result<Outcome> {
    let cargo = || Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    let mut installed = cargo();
    installed.args(["deb", "--version"]);
    let installed = installed.stdout(Stdio::null()).stderr(Stdio::null());
    ensure!(
        installed.status().is_ok_and(|status| status.success()),
        "cargo-deb is not installed: run cargo install cargo-deb"
    );
    let logs = paths::new_log_dir("deb")?;
    let program = klp_gen::release(&logs)?;
    let generated = paths::repository().join(GENERATED);
    let man = generated.join("man");
    fs::create_dir_all(&man).with_context(|| format!("cannot create {}", man.display()))?;
    run::captured(Command::new(&program).args(["man", "-o"]).arg(&man))?;
    for (shell, file) in COMPLETIONS {
        let text = run::captured(Command::new(&program).args(["completion", shell]))?;
        let path = generated.join(file);
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    let mut package = cargo();
    package
        .current_dir(paths::repository())
        .args(["deb", "--package", "klp-gen", "--no-build", "--output"])
        .arg(&generated);
    print!("{}", run::captured(&mut package)?);
    Ok(Outcome::Pass)
}
