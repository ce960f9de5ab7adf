// SPDX-License-Identifier: GPL-2.0 OR MIT

//! From a source tree to a finished build.
//!
//! What is built is the source tree plus [`Changes`]: the patches of `kmod/patches` and the
//! overlay of files that this repository keeps elsewhere. They are brought into the tree by content,
//! so that the build system rebuilds what depends on a difference and nothing else. What a finished
//! build was made of is kept in two stamps, one for the kernel and one for the module.

mod config;
pub mod external;
mod kernel;
mod stamp;
pub mod steps;

pub use kernel::Kernel;

use super::changes::overlay::Part;
use super::changes::{self, Changes};
use super::source::Source;
use super::toolchain::Toolchain;
use super::Lane;
use crate::host::{klp_gen, packages, paths, run};
use anyhow::{Context, Result};
use stamp::Key;
use std::fs::{self, File};
use std::path::Path;
use std::time::Instant;

/// How many built kernels the cache keeps: of each lane one of Debian's source and one of a tree of the
/// user's own.
const KEPT_BUILDS: usize = 2 * Lane::ALL.len();

/// Builds whatever is not up to date.
///
/// `own_tree` is a kernel tree of the user's own; it is copied and never modified.
///
/// # Errors
///
/// Fails if something is missing on this machine or a step of the build fails.
pub fn prepare(lane: Lane, own_tree: Option<&Path>, logs: &Path) -> Result<Kernel> {
    let start = Instant::now();
    packages::ensure(own_tree.is_none(), logs)?;
    let toolchain = Toolchain::ensure(lane, logs)?;
    let source = Source::find(own_tree, logs)?;
    let dir = paths::cache()?
        .join("kernel")
        .join(source.directory_name(lane, &toolchain.versions));
    fs::create_dir_all(&dir).with_context(|| format!("cannot create {}", dir.display()))?;
    let mut kernel = Kernel {
        source: dir.join("source"),
        build: dir.join("build"),
        lane,
        dir,
        toolchain,
    };
    let _lock = kernel.lock()?;
    if lane.overlay(&source).contains(&Part::Planted) {
        // In a place of its own, so that another clone of the repository gives the same command lines.
        let klp_gen = kernel.dir.join("klp-gen");
        fs::copy(klp_gen::release(logs)?, &klp_gen)
            .with_context(|| format!("cannot write {}", klp_gen.display()))?;
        kernel.toolchain.klp_gen = Some(klp_gen);
    }
    let dir = &kernel.dir;

    let changes = Changes::collect(lane, &source)?;
    source.mirror(&kernel.source, &changes::ever_changed(dir)?)?;
    changes.sync(&source.pristine, &kernel.source, dir)?;

    let fragments = config::Fragments::read(lane.fragments(&source))?;
    let keys = stamp::Keys::new(&source, &kernel.toolchain, &fragments, &changes);
    if !stamp::holds(dir, Key::Kernel, &keys) {
        stamp::clear(dir, &[Key::Kernel, Key::Module])?;
        config::configure(&kernel, &fragments, logs)?;
        eprintln!(
            "building the kernel and its modules (11 minutes on 2 cores if nothing is cached)"
        );
        let mut make = kernel.make();
        run::logged(make.args(["bzImage", "modules"]), &logs.join("build.log"))?;
        stamp::set(dir, Key::Kernel, &keys)?;
        stamp::set(dir, Key::Module, &keys)?;
    } else if !stamp::holds(dir, Key::Module, &keys) {
        stamp::clear(dir, &[Key::Module])?;
        eprintln!("building the module");
        let mut make = kernel.make();
        run::logged(make.arg("modules"), &logs.join("modules.log"))?;
        stamp::set(dir, Key::Module, &keys)?;
    }
    forget_old_builds(dir);
    eprintln!(
        "kernel {} ({}) is up to date in {} ({:.1} s)",
        source.version,
        lane.name(),
        kernel.build.display(),
        start.elapsed().as_secs_f32()
    );
    Ok(kernel)
}

/// Removes all but the last used builds, except those that somebody uses at this moment.
fn forget_old_builds(current: &Path) {
    let Some(all) = current.parent() else { return };
    let Ok(entries) = fs::read_dir(all) else {
        return;
    };
    let used = |dir: &Path| fs::metadata(dir.join("lock")).and_then(|lock| lock.modified());
    let mut dirs: Vec<_> = entries
        .filter_map(|entry| {
            let dir = entry.ok()?.path();
            Some((used(&dir).ok()?, dir))
        })
        .collect();
    dirs.sort();
    for (_, dir) in dirs.iter().rev().skip(KEPT_BUILDS) {
        let free = File::open(dir.join("lock")).is_ok_and(|lock| lock.try_lock().is_ok());
        if free && dir != current {
            eprintln!("removing the old build {}", dir.display());
            // What cannot be removed now will be tried again by the next build.
            let _ = fs::remove_dir_all(dir);
        }
    }
}
