// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Loads a livepatch, and takes it away again.

use std::{
    ffi::CString,
    fs::{self, File},
    path::Path,
    thread,
    time::{Duration, Instant}, //
};

use anyhow::{
    bail,
    Context,
    Result, //
};
use klp_variants::{
    Listed,
    Order, //
};
use rustix::{
    io::Errno,
    system::{delete_module, finit_module}, //
};

use super::kmsg::Log;

/// The time that a livepatch may take to change every task over. It takes no time where nothing sleeps in
/// what is patched.
const PATIENCE: Duration = Duration::from_secs(60);

/// The result of loading a livepatch once.
pub struct Attempt {
    /// The kernel's answer: for the livepatch, or for the module that came later.
    pub result: Result<(), Errno>,
    /// The lines that the kernel logged meanwhile.
    pub log: Vec<String>,
    /// The value of the parameter `where`.
    pub shown: Option<u64>,
    /// The result of taking the livepatch away again.
    pub removed: Result<()>,
}

impl Attempt {
    /// Loads the livepatch, and what is to come later, and takes the livepatch away.
    ///
    /// # Errors
    ///
    /// Fails if a file cannot be read.
    pub fn make(file: &Path, listed: &Listed, twins: &Path, log: &mut Log) -> Result<Self> {
        let loaded = load(file)?;
        let mut result = loaded;
        if loaded.is_ok() && listed.order == Order::Later {
            result = load(twins)?;
        }
        let lines = log.lines()?;
        let shown = fs::read_to_string(format!("/sys/module/{}/parameters/where", listed.module));
        let shown = shown.ok().and_then(|text| text.trim().parse().ok());
        let removed = match loaded {
            Ok(()) => newest(twins).and_then(|module| remove(&module)),
            Err(_) => Ok(()),
        };
        Ok(Self {
            result,
            log: lines,
            shown,
            removed,
        })
    }
}

/// The module that was loaded last, other than what came later: a livepatch may call itself as it likes.
fn newest(later: &Path) -> Result<String> {
    let modules = fs::read_to_string("/proc/modules").context("cannot read /proc/modules")?;
    let later = later.file_stem().unwrap_or_default().to_string_lossy();
    let names = modules.lines().filter_map(|line| line.split(' ').next());
    let mut names = names.filter(|name| *name != later);
    Ok(names.next().context("no module is loaded")?.to_owned())
}

/// Asks the kernel once to load a module, and says what it said.
///
/// # Errors
///
/// Fails if the file cannot be read.
pub fn load(file: &Path) -> Result<Result<(), Errno>> {
    let file = File::open(file).with_context(|| format!("cannot open {}", file.display()))?;
    Ok(finit_module(&file, c"", 0))
}

/// Removes a module; a livepatch is disabled first.
///
/// # Errors
///
/// Fails if it does not go.
pub fn remove(module: &str) -> Result<()> {
    let livepatch = Path::new("/sys/kernel/livepatch").join(module);
    if livepatch.exists() {
        wait(|| fs::read_to_string(livepatch.join("transition")).is_ok_and(|t| t.trim() == "0"))
            .with_context(|| format!("{module} is never enabled"))?;
        fs::write(livepatch.join("enabled"), "0")
            .with_context(|| format!("cannot disable {module}"))?;
        wait(|| !livepatch.exists()).with_context(|| format!("{module} is never disabled"))?;
    }
    let name = CString::new(module)?;
    // The kernel lets go of a livepatch after it is gone from sysfs.
    wait(|| delete_module(&name, 0) != Err(Errno::AGAIN) && !is_loaded(module))
        .with_context(|| format!("{module} cannot be removed"))
}

/// Returns true if a module is loaded.
pub fn is_loaded(module: &str) -> bool {
    // Built-in modules have a directory, too, but not this file.
    Path::new("/sys/module")
        .join(module)
        .join("initstate")
        .exists()
}

fn wait(mut until: impl FnMut() -> bool) -> Result<()> {
    let start = Instant::now();
    while !until() {
        if start.elapsed() > PATIENCE {
            bail!("not within {} seconds", PATIENCE.as_secs());
        }
        thread::sleep(Duration::from_millis(2));
    }
    Ok(())
}
