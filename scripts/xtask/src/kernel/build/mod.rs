// SPDX-License-Identifier: GPL-2.0 OR MIT

//! From a source tree to a finished build.
//!
//! The source tree is built with [`Changes`]: the patches of a series and the
//! overlay of files that this repository keeps elsewhere. They are brought into the tree by content,
//! so that the build system rebuilds what depends on a difference and nothing else. What a finished
//! build was made of is kept in two stamps, one for the kernel and one for the module.

mod config;
mod directory;
pub mod external;
mod kernel;
pub mod klp_build;
mod stamp;
pub mod steps;
pub mod throwaway;

pub use kernel::Kernel;

use super::changes::overlay::Part;
use super::changes::{self, Changes};
use super::source::{Origin, Source};
use super::toolchain::Toolchain;
use super::Lane;
use crate::host::run::{self, Unit};
use crate::host::{history, klp_gen, packages, paths};
use crate::report::progress;
use anyhow::{Context, Result};
use stamp::Key;
use std::fs;
use std::path::Path;

/// Builds whatever is not up to date.
///
/// A kernel tree of the user's own is copied and never modified.
///
/// # Errors
///
/// Fails if something is missing on this machine or a step of the build fails.
pub fn prepare(lane: &Lane, origin: &Origin, logs: &Path) -> Result<Kernel> {
    let series = origin.series()?;
    packages::ensure(series.packages().chain(origin.packages()), logs)?;
    let toolchain = Toolchain::ensure(lane.link, &series.tools, logs)?;
    let source = Source::find(origin, logs)?;
    let mut kernel = create_directory(lane, &source, toolchain)?;
    let _lock = kernel.lock()?;
    bring_klp_gen(&mut kernel, &source, logs)?;
    let changes = sync_source(&kernel, &source)?;
    let fragments = config::Fragments::read(series.configs(lane.link))?;
    let keys = stamp::Keys::new(&source, &kernel.toolchain, &fragments, &changes);
    if !stamp::holds(&kernel.dir, Key::Kernel, &keys) {
        build_kernel(&kernel, &fragments, &keys, logs)?;
    } else if !stamp::holds(&kernel.dir, Key::Module, &keys) {
        build_modules(&kernel, &keys, logs)?;
    }
    directory::forget_old_builds(&kernel.dir)?;
    progress::note(&format!(
        "kernel {} ({lane}) is up to date in {}",
        source.version,
        kernel.build.display()
    ));
    Ok(kernel)
}

/// Creates the directory of a build in the cache.
fn create_directory(lane: &Lane, source: &Source, toolchain: Toolchain) -> Result<Kernel> {
    let dir = paths::cache()?
        .join("kernel")
        .join(source.directory_name(lane.link, &toolchain.versions));
    fs::create_dir_all(&dir).with_context(|| format!("cannot create {}", dir.display()))?;
    Ok(Kernel {
        source: dir.join("source"),
        build: dir.join("build"),
        lane: lane.clone(),
        dir,
        toolchain,
    })
}

/// Copies `klp-gen` beside the build if the build calls it: to a place of its own, so that another clone of the
/// repository gives the same command lines.
fn bring_klp_gen(kernel: &mut Kernel, source: &Source, logs: &Path) -> Result<()> {
    if changes::parts(kernel.lane.link, &source.series).contains(&Part::Planted) {
        let klp_gen = kernel.dir.join("klp-gen");
        fs::copy(klp_gen::release(logs)?, &klp_gen)
            .with_context(|| format!("cannot write {}", klp_gen.display()))?;
        kernel.toolchain.klp_gen = Some(klp_gen);
    }
    Ok(())
}

/// Makes the build's source tree that of the kernel with the changes of this repository, which it returns.
fn sync_source(kernel: &Kernel, source: &Source) -> Result<Changes> {
    let changes = Changes::collect(kernel.lane.link, source)?;
    source.mirror(&kernel.source, &changes::ever_changed(&kernel.dir)?)?;
    changes.sync(&source.pristine, &kernel.source, &kernel.dir)?;
    Ok(changes)
}

/// Configures and builds the kernel with all its modules.
fn build_kernel(
    kernel: &Kernel,
    fragments: &config::Fragments,
    keys: &stamp::Keys,
    logs: &Path,
) -> Result<()> {
    let dir = &kernel.dir;
    stamp::clear(dir, &[Key::Kernel, Key::Module])?;
    config::configure(kernel, fragments, logs)?;
    let title = format!("build the kernel and its modules ({})", kernel.lane);
    if history::last(&title).is_none() {
        progress::note("the first build of a kernel takes about 20 minutes of processor time");
    }
    run::counted(
        &title,
        Unit::OBJECTS,
        kernel.make().args(["bzImage", "modules"]),
        &logs.join("build.log"),
    )?;
    stamp::set(dir, Key::Kernel, keys)?;
    stamp::set(dir, Key::Module, keys)
}

/// Builds the modules of a kernel that is up to date.
fn build_modules(kernel: &Kernel, keys: &stamp::Keys, logs: &Path) -> Result<()> {
    stamp::clear(&kernel.dir, &[Key::Module])?;
    run::counted(
        &format!("build the kernel's modules ({})", kernel.lane),
        Unit::OBJECTS,
        kernel.make().arg("modules"),
        &logs.join("modules.log"),
    )?;
    stamp::set(&kernel.dir, Key::Module, keys)
}
